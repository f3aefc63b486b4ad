import type { Approval, CallVerdict, Memory, TextVerdict } from '@jamey/contracts'
import pc from 'picocolors'
import { describe, expect, it } from 'vitest'
import { formatAge, plural } from '../support/quantities.js'
import { formatApprovals } from './approval-view.js'
import { formatExpiry, formatRecalled } from './memory-view.js'
import { type ArrivedMessage, formatMessage, jsonMessage } from './message-view.js'
import { formatScore, formatVerdict } from './verdict-view.js'

const colors = pc.createColors(false)
const now = new Date('2026-05-31T12:00:00Z')
const view = { colors, columns: 60, now }

const verdict: TextVerdict = {
  kind: 'text',
  evaluation_id: '11111111-1111-4111-8111-111111111111',
  action: "delete the customer's records",
  approved: false,
  decision: 'deny',
  reasons: ['There is no consent of those whose records are deleted, and none can be had from anybody.'],
  outcome: 'forbidden',
  policy_version: '3f2a',
  moral_score: -0.917,
  recognised: true,
  rules: [
    { name: 'no-harm', decision: 'deny', reason: 'There is no consent.' },
    { name: 'care', decision: 'allow', reason: 'Helps somebody.' },
  ],
  explanation: 'There is no consent of those whose records are deleted, and none can be had from anybody.',
  judge: { status: 'not_configured' },
  facts: [],
  rules_version: '3f2a',
  request_digest: `sha256:${'0'.repeat(64)}`,
  requested_by: 'jamey-cli-1',
  correlation_id: '0d7ff1f6-6a0f-4f0b-9d39-6a1b5f0f7a11',
  evaluated_at: '2026-05-31T12:00:00Z',
}

const memory: Memory & { score: number } = {
  id: '22222222-2222-4222-8222-222222222222',
  content: 'We met in Lisbon in May',
  layer: 'episodic',
  tags: ['travel'],
  importance: 0.5,
  created_at: '2026-05-29T12:00:00Z',
  occurred_at: '2026-05-29T12:00:00Z',
  expires_at: null,
  owner: 'jamey-cli-1',
  scope: 'private',
  source: 'jamey-cli-1',
  metadata: {},
  trusted: true,
  version: 1,
  updated_at: '2026-05-29T12:00:00Z',
  count: 1,
  last_stored_at: '2026-05-29T12:00:00Z',
  content_hash: '0'.repeat(64),
  provenance: { stored_by: 'jamey-cli-1' },
  score: 0.87654,
}

function message(payload: string | Uint8Array, topic = 'jamey/test/a'): ArrivedMessage {
  return { topic, payload: Buffer.from(payload), qos: 1, retain: false, dup: false }
}

function envelope(topic: string, action: string, data: unknown): ArrivedMessage {
  const metadata = { client_id: 'jamey-conscience', correlation_id: verdict.evaluation_id }
  const whole = {
    message_id: verdict.evaluation_id,
    timestamp: now,
    topic,
    payload: { action, data },
    metadata,
  }
  return message(JSON.stringify(whole), topic)
}

describe('an approval in a list', () => {
  const approval: Approval = {
    approval_id: '54c0b969-2520-4139-94e7-6505eb9ddc13.jamey-conscience',
    status: 'pending',
    tool: 'launch_probe',
    arguments: { planet: 'venus' },
    call_digest: verdict.request_digest,
    reasons: [],
    rules: [],
    policy_version: '1',
    requested_by: 'agent-7',
    created_at: '2026-05-31T12:00:00Z',
    expires_at: '2026-05-31T13:00:00Z',
    approvers: 1,
    answers: [],
    changed_at: '2026-05-31T12:00:00Z',
  }
  const last = (more: Partial<Approval>, time = '2026-05-31T12:03:00Z') =>
    formatApprovals([{ ...approval, ...more }], { colors, columns: 80, now: new Date(time) })
      .split('\n')
      .at(-1)

  it('says when it expires where it waits, and who answered when where it does not', () => {
    expect(last({})).toBe('  agent-7, expires in 57 minutes')
    const answered_at = '2026-05-31T12:01:00Z'
    const answers = [{ answered_by: 'ann', answered_at, decision: 'approve', scope: 'once' }] as const
    expect(last({ status: 'used', answers: [...answers] })).toBe(
      '  agent-7, ann approved (once) 2 minutes ago',
    )
    expect(last({ status: 'expired' }, '2026-05-31T13:05:00Z')).toBe('  agent-7, expired 5 minutes ago')
  })
})

describe('a verdict', () => {
  const { action: _, outcome: _o, moral_score: _m, recognised: _r, ...common } = verdict
  const call: CallVerdict = {
    ...common,
    kind: 'call',
    tool: 'Bash\u001b[2J',
    call_digest: verdict.request_digest,
    approved: true,
    decision: 'allow',
    reasons: ['it reads'],
    rules: [],
    arguments: { limit: 5 },
  }

  it('on a call names the tool, its decision and changed arguments', () => {
    expect(formatVerdict(call, colors, 80)).toBe(
      [
        'allow Bash\\u001b[2J',
        '',
        '  it reads',
        '',
        '  with these arguments alone: {"limit":5}',
        '',
        '  policy 3f2a, evaluation 11111111-1111-4111-8111-111111111111',
      ].join('\n'),
    )
  })

  it('tells the approval that is waited for', () => {
    const approval = { id: 'a-1', expires_at: '2026-05-31T13:00:00Z' }
    const asked = { ...call, approved: false, decision: 'ask', approval } as const
    expect(formatVerdict(asked, colors, 80)).toContain(
      '  approval a-1 for jamey-cli-1, until 2026-05-31T13:00:00Z',
    )
  })

  it('shows decision, reasons, rules and what it is about', () => {
    expect(formatVerdict(verdict, colors, 80)).toBe(
      [
        "deny delete the customer's records",
        '',
        '  There is no consent of those whose records are deleted, and none can be had',
        '  from anybody.',
        '',
        '  deny   no-harm  There is no consent.',
        '  allow  care     Helps somebody.',
        '',
        `  request ${verdict.request_digest} of jamey-cli-1`,
        '',
        '  policy 3f2a, evaluation 11111111-1111-4111-8111-111111111111',
      ].join('\n'),
    )
  })

  it('says what the judge thinks, or that it failed', () => {
    const used = { ...verdict, judge: { status: 'used', opinion: 'Ask first.', score: -0.5 } } as const
    expect(formatVerdict(used, colors, 80)).toContain("The judge's opinion (-0.50): Ask first.")
    const failed = { ...verdict, judge: { status: 'failed', error: 'no answer' } } as const
    expect(formatVerdict(failed, colors, 80)).toContain(
      'gave no opinion (no answer), and nothing is allowed without',
    )
  })

  it('gives every score a sign and never a negative zero', () => {
    expect([1, 0.004, 0, -0.004, -1].map(formatScore)).toEqual(['+1.00', '+0.00', '+0.00', '+0.00', '-1.00'])
  })
})

describe('recalled memories', () => {
  it('are ranked, with score, layer, age, tags, text and id', () => {
    expect(formatRecalled({ memories: [memory], total: 3 }, view)).toBe(
      [
        '1. 0.877  episodic  2 days ago  #travel',
        '   We met in Lisbon in May',
        '   22222222-2222-4222-8222-222222222222',
        '',
        '1 of 3 memories',
      ].join('\n'),
    )
    expect(formatRecalled({ memories: [], total: 0 }, view)).toBe('nothing found')
  })

  it('tell their age in words', () => {
    const ages = [
      '2026-05-31T11:59:30Z',
      '2026-05-31T11:58:00Z',
      '2026-05-30T12:00:00Z',
      '2024-05-01T00:00:00Z',
    ]
    expect(ages.map((iso) => formatAge(iso, now))).toEqual([
      'just now',
      '2 minutes ago',
      '1 day ago',
      '2 years ago',
    ])
    expect(formatAge('2026-05-31T15:30:00Z', now)).toBe('in 3 hours')
    expect(formatAge('2026-06-01T11:59:59Z', now)).toBe('in 1 day')
    expect(formatExpiry('2026-08-29T12:00:00.000Z', now)).toBe(
      'kept until 2026-08-29 12:00 UTC (in 3 months)',
    )
    expect(formatExpiry(null, now)).toBe('kept for good')
    expect(plural(1234, 'memory', 'memories')).toBe('1,234 memories')
  })
})

describe('a message that arrived', () => {
  it('is one JSON object for scripts: JSON as JSON, text as text, bytes in base64', () => {
    const facts = { topic: 'jamey/test/a', qos: 1, retain: false, dup: false, received_at: now.toISOString() }
    expect(jsonMessage(message('{"a": 1}'), now)).toEqual({ ...facts, payload: { a: 1 } })
    expect(jsonMessage(message('hello'), now)).toEqual({ ...facts, payload_text: 'hello' })
    expect(jsonMessage(message(Uint8Array.of(0xff, 0)), now)).toEqual({ ...facts, payload_base64: '/wA=' })
    const properties = {
      correlationData: Uint8Array.of(1),
      contentType: 'text/plain',
      responseTopic: undefined,
    }
    expect(jsonMessage({ ...message(''), properties }, now)).toMatchObject({
      properties: { correlationData: { base64: 'AQ==' }, contentType: 'text/plain' },
    })
  })

  it('shows its text with control characters made harmless', () => {
    expect(formatMessage(message('a\u001b[2Jb'), view)).toContain('a\\u001b[2Jb')
    expect(formatMessage(message(Uint8Array.of(0xff, 0)), view)).toContain('2 bytes that are no text')
    expect(formatMessage({ ...message(''), retain: true }, view)).toMatch(/retained\n {2}\(empty\)$/)
  })

  it('shows an envelope by its sender, action and data', () => {
    const shown = formatMessage(envelope('jamey/events/heartbeat', 'heartbeat', { sequence: 1 }), view)
    expect(shown).toMatch(
      /jamey\/events\/heartbeat {2}from jamey-conscience\n {2}heartbeat \{"sequence":1\}$/,
    )
  })

  it('shows a verdict and a stored memory as the other commands do', () => {
    const seen = formatMessage(envelope('jamey/conscience/results', 'result', verdict), view)
    expect(seen).toContain("deny delete the customer's records")
    const stored = { change: 'stored', memory_ids: [memory.id], memory }
    const announced = formatMessage(envelope('jamey/memory/updates', 'update', stored), view)
    expect(announced).toContain('stored  episodic  2 days ago  #travel')
  })
})
