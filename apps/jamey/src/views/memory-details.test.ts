import type { Memory } from '@jamey/contracts'
import pc from 'picocolors'
import { describe, expect, it } from 'vitest'
import { formatFileTally } from './file-tally.js'
import { formatDetails, formatHistory, formatStats } from './memory-details.js'
import { formatRecalled } from './memory-view.js'

const view = { colors: pc.createColors(false), columns: 60, now: new Date('2026-05-31T12:00:00Z') }

const memory: Memory = {
  id: 'm-1',
  content: 'The office is in Berlin',
  layer: 'semantic',
  tags: [],
  importance: 0.5,
  created_at: '2026-05-29T12:00:00Z',
  occurred_at: '2026-05-29T12:00:00Z',
  expires_at: null,
  owner: 'ann',
  scope: 'private',
  source: 'ann',
  metadata: {},
  trusted: true,
  version: 1,
  updated_at: '2026-05-29T12:00:00Z',
  count: 1,
  last_stored_at: '2026-05-29T12:00:00Z',
  content_hash: '0'.repeat(64),
  provenance: { stored_by: 'ann' },
}

describe('one memory', () => {
  it('is told with its text, how long it is kept and whose it is, and no more where there is no more', () => {
    expect(formatDetails(memory, view)).toBe(
      [
        'semantic  2 days ago',
        '  The office is in Berlin',
        '  m-1',
        '  kept for good',
        '  owner ann, private',
      ].join('\n'),
    )
  })

  it('is told with all that is known of it, and no control characters', () => {
    const full: Memory = {
      ...memory,
      scope: 'group:ops',
      trusted: false,
      provenance: { stored_by: 'jamey-gateway', on_behalf_of: 'bob' },
      origin: 'https://example.net/\u001b[2J',
      session_id: 's1',
      turn: 3,
      valid_from: '2020-01-01T00:00:00Z',
      valid_to: '2024-01-01T00:00:00Z',
      supersedes: 'm-0',
      superseded_by: 'm-2',
      version: 3,
      count: 2,
      metadata: { level: 3 },
    }
    expect(formatDetails(full, view).split('\n').slice(4)).toEqual([
      '  owner ann, group:ops, stored by jamey-gateway on behalf of bob, not trusted',
      '  from https://example.net/\\u001b[2J, session s1, turn 3',
      '  holds from 2020-01-01 00:00 UTC, holds until 2024-01-01 00:00 UTC, in the place of m-0, replaced by m-2',
      '  version 3, changed 2 days ago, stored 2 times, last 2 days ago',
      '  metadata {"level":3}',
    ])
  })

  it('is told version by version, each with its time', () => {
    const versions = [
      { ...memory, version: 2, updated_at: '2026-05-30T12:00:00Z' },
      { ...memory, content: 'before', replaced_at: '2026-05-30T12:00:00Z' },
    ]
    const text = formatHistory({ versions, next_cursor: 'c' }, view)
    expect(text).toMatch(/^version 2 {2}since 2026-05-30 12:00:00 UTC\n/)
    expect(text).toContain('version 1  since 2026-05-29 12:00:00 UTC, until 2026-05-30 12:00:00 UTC\n')
    expect(text).toMatch(/there are more: --cursor c$/)
  })
})

describe('many memories', () => {
  it('are told with why each was found, and where the next ones are', () => {
    const found = {
      ...memory,
      score: 0.5,
      why: { terms: [{ word: 'office', weight: 0.41 }], recency: 0.04567, importance: 0.025 },
    }
    const text = formatRecalled(
      { memories: [found], total: 7, total_is_at_least: true, next_cursor: 'c2' },
      view,
    )
    expect(text).toContain('why: words office 0.41, recency 0.046, importance 0.025')
    expect(text).toMatch(/1 of at least 7 memories; the next ones: --cursor c2$/)
  })

  it('are told with when they hold, where that is not from now on for good', () => {
    const found = (valid_from?: string, valid_to?: string) => ({
      ...memory,
      score: 0.5,
      ...(valid_from && { valid_from }),
      ...(valid_to && { valid_to }),
    })
    const told = (one: ReturnType<typeof found>) =>
      formatRecalled({ memories: [one], total: 1 }, view).split('\n')[0]
    expect(told(found('2026-06-01T00:00:00Z'))).toMatch(/2 days ago {2}holds from 2026-06-01 00:00 UTC$/)
    expect(told(found('2026-05-01T00:00:00Z'))).toMatch(/2 days ago$/)
    expect(told(found('2026-05-01T00:00:00Z', '2026-07-01T00:00:00Z'))).toMatch(
      /2 days ago {2}holds until 2026-07-01 00:00 UTC$/,
    )
  })

  it('are counted', () => {
    const stats = {
      memories: 1_200,
      bytes: 34_567,
      by_layer: { episodic: 1_000, semantic: 200 },
      by_scope: { private: 1_200 },
      oldest: '2026-05-29T12:00:00Z',
      index: { words: 12, vectors: { model: 'm', missing: 3 } },
    }
    expect(formatStats(stats, view.now)).toBe(
      [
        '1,200 memories, 34,567 bytes, oldest 2 days ago',
        'by layer  episodic 1,000, semantic 200',
        'by scope  private 1,200',
        'words     12',
        'vectors   model m, missing 3',
      ].join('\n'),
    )
  })
})

it('says what became of a file, and nothing of what there is none of', () => {
  const none = { unchanged: 0, updated: 0, new: 0, gone: 0, pruned: 0 }
  expect(formatFileTally('a.md', { ...none, unchanged: 12, updated: 3, new: 1, gone: 2 }, 300)).toBe(
    'a.md: 12 unchanged, 3 updated, 1 new, 2 gone (kept; --prune forgets them) in 0.3 s',
  )
  expect(formatFileTally('a.md', { ...none, pruned: 1_000 }, 0)).toBe(
    'a.md: 0 new, 1,000 gone and forgotten in 0.0 s',
  )
})
