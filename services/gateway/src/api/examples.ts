import type { OperationName } from '@jamey/contracts'
import { BROKER_EXAMPLES } from './broker-examples.js'

type Json = Readonly<Record<string, unknown>>

/** Data of an operation's contract, and of its answer; tests check both against its schemas. */
export interface OperationExample {
  readonly input: Json
  readonly output: Json
}

const MEMORY_ID = '7e2d1c5a-3b8f-4b6e-9d5a-0f1e2d3c4b5a'
const STORED_AT = '2026-11-14T20:00:00.003Z'

const MEMORY = {
  id: MEMORY_ID,
  content: 'We met in Lisbon in May.',
  layer: 'episodic',
  tags: ['travel'],
  importance: 0.7,
  created_at: STORED_AT,
  occurred_at: '2026-05-11T08:30:00.000Z',
  expires_at: '2027-02-12T20:00:00.003Z',
  owner: 'agent-7',
  scope: 'private',
  source: 'agent-7',
  metadata: { source: 'diary' },
  trusted: true,
  version: 1,
  updated_at: STORED_AT,
  count: 1,
  last_stored_at: STORED_AT,
  content_hash: 'a0b5a4964b695f8deaecd509849900b9beb0e42ce8d633722d16f132145b57f0',
  provenance: { stored_by: 'agent-7' },
}

const CHANGED = { ...MEMORY, tags: ['travel', 'lisbon'], version: 2, updated_at: '2026-11-15T08:00:00.000Z' }
const ARCHIVED = { ...MEMORY, sent_at: '2026-11-14T20:00:00.000Z' }
const TO_STORE = {
  content: MEMORY.content,
  layer: 'episodic',
  tags: ['travel'],
  occurred_at: '2026-05-11T09:30:00+01:00',
  metadata: { source: 'diary' },
}
const ID = { id: MEMORY_ID }

const APPROVAL_ID = '7c1d2e3f-4a5b-4c6d-8e7f-9a0b1c2d3e4f.jamey-conscience'

const APPROVAL = {
  approval_id: APPROVAL_ID,
  status: 'pending',
  tool: 'send_email',
  arguments: { to: 'ann@example.org', subject: 'Report', body: 'It is done.' },
  call_digest: 'sha256:f0a8b2f9e0a2b2f8a4ab8b7d3bb0c4d8b8f5f3a4c1e7d6b5a49382716051423f',
  reasons: ['A message goes to somebody who stands in no list'],
  rules: ['mail-to-others'],
  policy_version: '1-2f6f6a10',
  requested_by: 'agent-7',
  session_id: 'trip',
  created_at: '2026-11-14T20:00:00.000Z',
  expires_at: '2026-11-14T20:15:00.000Z',
  approvers: 1,
  answers: [],
  changed_at: '2026-11-14T20:00:00.000Z',
}

const APPROVED = {
  ...APPROVAL,
  status: 'approved',
  answers: [
    {
      answered_by: 'ada',
      decision: 'approve',
      scope: 'once',
      note: 'I know Ann',
      answered_at: '2026-11-14T20:01:00.000Z',
    },
  ],
  scope: 'once',
  changed_at: '2026-11-14T20:01:00.000Z',
}

const REASON = 'it reads, and changes no more than files of the workspace or temporary files'

const VERDICT = {
  kind: 'call',
  evaluation_id: '1b9a4d5e-90c4-4f9b-b5a7-2a2b4a1f7c33',
  tool: 'read_file',
  approved: true,
  decision: 'allow',
  reasons: [REASON],
  rules: [{ name: 'ordinary-work', decision: 'allow', reason: REASON }],
  facts: [],
  judge: { status: 'not_configured' },
  policy_version: '1-5f1d7a84',
  call_digest: 'sha256:d6a0210f986d347b3124bdce8d028602b10f546ae76c375ce66c3cae8ba5177d',
  request_digest: 'sha256:d6a0210f986d347b3124bdce8d028602b10f546ae76c375ce66c3cae8ba5177d',
  requested_by: 'agent-7',
  correlation_id: '8d3cfd1d-54a1-4d7f-9c0c-5e0e7a3f6a55',
  evaluated_at: '2026-11-14T20:00:00.011Z',
}

const STATS = {
  memories: 12,
  by_layer: { episodic: 10, semantic: 2 },
  by_scope: { private: 12 },
  bytes: 4096,
  oldest: '2026-05-11T08:30:00.000Z',
  newest: STORED_AT,
  index: { documents: 12 },
}

const OWN = {
  'memory.store': { input: TO_STORE, output: { memory: MEMORY, created: true } },
  'memory.store-batch': {
    input: { memories: [TO_STORE] },
    output: { results: [{ memory: MEMORY, created: true }] },
  },
  'memory.get': { input: ID, output: { memory: MEMORY } },
  'memory.history': {
    input: ID,
    output: { versions: [CHANGED, { ...MEMORY, replaced_at: CHANGED.updated_at }] },
  },
  'memory.query': {
    input: { query: 'lisbon', layers: ['episodic'], where: { source: 'diary' }, limit: 5 },
    output: { memories: [{ ...MEMORY, score: 0.83 }], total: 1 },
  },
  'memory.stats': { input: {}, output: STATS },
  'memory.update': {
    input: { ...ID, tags: ['travel', 'lisbon'] },
    output: { memory: CHANGED, previous_version: 1 },
  },
  'memory.forget': {
    input: { layer: 'working', before: '2026-11-01T00:00:00Z' },
    output: { forgotten: 12 },
  },
  'memory.consolidate': { input: { dry_run: true }, output: { merged: 2, promoted: 1, evicted: 0 } },
} as const satisfies Partial<Record<OperationName, OperationExample>>

const OWNER = { owner: 'agent-7' }

/** An example of every operation of the API. */
export const EXAMPLES: Readonly<Record<OperationName, OperationExample>> = {
  ...OWN,
  'conscience.evaluate': {
    input: { tool: 'read_file', arguments: { path: 'README.md' }, session_id: 'issue-42', call_id: '7' },
    output: VERDICT,
  },
  'conscience.evaluate-batch': {
    input: { calls: [{ tool: 'read_file', arguments: { path: 'README.md' } }, { tool: '' }] },
    output: {
      results: [
        { verdict: VERDICT },
        {
          error: {
            kind: 'invalid-request',
            message: 'calls.1.tool: Too small: expected string to have >=1 characters.',
            retryable: false,
          },
        },
      ],
      request_digest: VERDICT.request_digest,
      requested_by: VERDICT.requested_by,
      correlation_id: VERDICT.correlation_id,
    },
  },
  'conscience.report': {
    input: { session_id: 'issue-42', kind: 'request', text: 'Send the report to Ann.' },
    output: { recorded: true },
  },
  'conscience.verdicts': {
    input: { conscience: 'jamey-conscience', decision: 'allow', limit: 20 },
    output: {
      verdicts: [{ recorded_at: VERDICT.evaluated_at, verdict: VERDICT }],
      next_cursor: 'WyJhdWRpdC0yMDI2MTExNFQxOTU5MDAwMDBaLTFmMGE0YzJlLmpzb25sIiw0MDk2XQ',
    },
  },
  'conscience.approvals.list': {
    input: { status: ['pending'] },
    output: { approvals: [APPROVAL], total: 1 },
  },
  'conscience.approvals.get': { input: { approval_id: APPROVAL_ID }, output: { approval: APPROVAL } },
  'conscience.approvals.withdraw': {
    input: { approval_id: APPROVAL_ID, because: 'the user ended the run' },
    output: {
      approval: {
        ...APPROVAL,
        status: 'revoked',
        revoked_by: APPROVAL.requested_by,
        revoked_because: 'the user ended the run',
      },
    },
  },
  'conscience.approvals.answer': {
    input: { approval_id: APPROVAL_ID, decision: 'approve', scope: 'once', note: 'I know Ann' },
    output: { approval: APPROVED },
  },
  'conscience.approvals.revoke': {
    input: { approval_id: APPROVAL_ID },
    output: { approval: { ...APPROVED, status: 'revoked', revoked_by: 'ada' } },
  },
  'memory.export': { input: { limit: 100 }, output: { memories: [ARCHIVED] } },
  'memory.import': {
    input: { memories: [ARCHIVED] },
    output: { results: [{ id: MEMORY_ID, outcome: 'restored' }] },
  },
  ...BROKER_EXAMPLES,
  'memory.others.store': { ...OWN['memory.store'], input: { ...TO_STORE, ...OWNER } },
  'memory.others.store-batch': {
    ...OWN['memory.store-batch'],
    input: { memories: [{ ...TO_STORE, ...OWNER }] },
  },
  'memory.others.get': OWN['memory.get'],
  'memory.others.history': OWN['memory.history'],
  'memory.others.query': { ...OWN['memory.query'], input: { ...OWN['memory.query'].input, ...OWNER } },
  'memory.others.stats': { ...OWN['memory.stats'], input: OWNER },
  'memory.others.update': OWN['memory.update'],
  'memory.others.forget': { ...OWN['memory.forget'], input: { ...OWN['memory.forget'].input, ...OWNER } },
  'memory.others.consolidate': { ...OWN['memory.consolidate'], input: { dry_run: true, ...OWNER } },
}

/** The line of an export, and of an import. */
export const LINE_EXAMPLE = `${JSON.stringify(ARCHIVED)}\n`
