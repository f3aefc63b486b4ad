import type { ApprovalScope, ApprovalStatus, OPERATIONS, OperationName } from '@jamey/contracts'
import { call, type QueryValue, segment } from './http.js'

/** The answer of an operation, as its contract has it. */
type Answer<Name extends OperationName> = (typeof OPERATIONS)[Name]['responseSchema']['_output']

/** Who this page is signed in as. */
export interface Session {
  readonly name: string
  readonly permissions: readonly string[]
  readonly expires_at?: string
  readonly csrf_token?: string
}

export const session = {
  get: (): Promise<Session> => call('v1/session'),
  create: (token: string): Promise<Session> => call('v1/session', { method: 'POST', body: { token } }),
  end: (): Promise<void> => call('v1/session', { method: 'DELETE' }),
}

export interface ApprovalReply {
  readonly decision: 'approve' | 'deny'
  readonly scope?: ApprovalScope
  readonly note?: string
}

export const approvals = {
  list: (
    status: readonly ApprovalStatus[],
    query: Readonly<Record<string, QueryValue>>,
  ): Promise<Answer<'conscience.approvals.list'>> => call('v1/approvals', { query: { status, ...query } }),
  answer: (id: string, reply: ApprovalReply): Promise<Answer<'conscience.approvals.answer'>> =>
    call(`v1/approvals/${segment(id)}/answer`, { method: 'POST', body: reply }),
  revoke: (id: string): Promise<Answer<'conscience.approvals.revoke'>> =>
    call(`v1/approvals/${segment(id)}`, { method: 'DELETE' }),
}

/** Those of an audit, the newest first. */
export const verdicts = (
  query: Readonly<Record<string, QueryValue>>,
): Promise<Answer<'conscience.verdicts'>> => call('v1/verdicts', { query })

export const broker = {
  status: (): Promise<Answer<'broker.status'>> => call('v1/broker'),
  clients: (
    query: Readonly<Record<string, QueryValue>>,
    signal?: AbortSignal,
  ): Promise<Answer<'broker.clients'>> => call('v1/broker/clients', { query, signal }),
  client: (id: string): Promise<Answer<'broker.client'>> => call(`v1/broker/clients/${segment(id)}`),
  disconnect: (id: string): Promise<Answer<'broker.disconnect'>> =>
    call(`v1/broker/clients/${segment(id)}`, { method: 'DELETE' }),
  retained: (query: Readonly<Record<string, QueryValue>>): Promise<Answer<'broker.retained'>> =>
    call('v1/broker/retained', { query }),
  topic: (topic: string): Promise<Answer<'broker.topic'>> => call(`v1/broker/topics/${segment(topic)}`),
  outbox: (): Promise<Answer<'broker.outbox'>> => call('v1/broker/outbox'),
  findings: (): Promise<Answer<'broker.findings'>> => call('v1/broker/findings'),
}

export const memories = {
  /** `of` says whose: the caller's own, or everybody's. What an operator looks for does not count as recalled. */
  recall: (of: 'own' | 'all', query: Readonly<Record<string, QueryValue>>): Promise<Answer<'memory.query'>> =>
    call(of === 'own' ? 'v1/memories' : 'v1/others/memories', {
      query: { ...query, explain: true, count_recall: false },
    }),
}

export interface OutgoingMessage {
  readonly payload?: unknown
  readonly payload_text?: string
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
}

export interface RequestAnswer {
  readonly payload?: unknown
  readonly sender?: string
}

export const messages = {
  publish: (topic: string, message: OutgoingMessage): Promise<{ reason_code?: number }> =>
    call(`v1/messages/${segment(topic)}`, { method: 'POST', body: message }),
  request: (
    topic: string,
    body: { readonly payload: unknown; readonly action?: string; readonly timeout_ms: number },
  ): Promise<RequestAnswer> =>
    call(`v1/requests/${segment(topic)}`, { method: 'POST', body, timeoutMs: body.timeout_ms + 5_000 }),
}
