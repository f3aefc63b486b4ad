import { api, type OperationName } from './api.js'
import { broker } from './broker.js'
import { conscience } from './conscience.js'
import type { Contract, RequestContract } from './contract.js'
import { events } from './events.js'
import { memory } from './memory.js'

/** Every topic of Jamey; docs/wire.md lists them. */
export const topics = { conscience, memory, events, api, broker } as const

/** Every contract, for those who list, document or dispatch; the reply inbox is no contract of its own. */
export const CONTRACTS: readonly Contract[] = [
  topics.conscience.evaluate,
  topics.conscience.evaluateBatch,
  topics.conscience.report,
  topics.conscience.sessions,
  topics.conscience.results,
  topics.conscience.verdicts,
  topics.conscience.facts,
  topics.conscience.keys,
  topics.conscience.approvals.get,
  topics.conscience.approvals.withdraw,
  topics.conscience.approvals.list,
  topics.conscience.approvals.answer,
  topics.conscience.approvals.revoke,
  topics.conscience.approvals.use,
  topics.conscience.approvals.giveBack,
  topics.conscience.approvals.forwardWithdrawal,
  topics.conscience.approvals.state,
  topics.memory.store,
  topics.memory.storeBatch,
  topics.memory.query,
  topics.memory.get,
  topics.memory.history,
  topics.memory.stats,
  topics.memory.export,
  topics.memory.import,
  topics.memory.update,
  topics.memory.forget,
  topics.memory.consolidate,
  topics.memory.updates,
  topics.memory.others.store,
  topics.memory.others.storeBatch,
  topics.memory.others.query,
  topics.memory.others.get,
  topics.memory.others.history,
  topics.memory.others.stats,
  topics.memory.others.update,
  topics.memory.others.forget,
  topics.memory.others.consolidate,
  topics.events.status,
  topics.events.heartbeat,
  topics.events.errors,
  topics.events.leases,
  topics.api.requests,
  topics.broker.status,
  topics.broker.clients,
  topics.broker.client,
  topics.broker.retained,
  topics.broker.topic,
  topics.broker.outbox,
  topics.broker.findings,
  topics.broker.disconnect,
]

/** The contract behind each operation of the API. */
export const OPERATIONS = {
  'conscience.evaluate': topics.conscience.evaluate,
  'conscience.evaluate-batch': topics.conscience.evaluateBatch,
  'conscience.report': topics.conscience.report,
  'conscience.verdicts': topics.conscience.verdicts,
  'conscience.approvals.list': topics.conscience.approvals.list,
  'conscience.approvals.get': topics.conscience.approvals.get,
  'conscience.approvals.withdraw': topics.conscience.approvals.withdraw,
  'conscience.approvals.answer': topics.conscience.approvals.answer,
  'conscience.approvals.revoke': topics.conscience.approvals.revoke,
  'memory.store': topics.memory.store,
  'memory.store-batch': topics.memory.storeBatch,
  'memory.get': topics.memory.get,
  'memory.history': topics.memory.history,
  'memory.query': topics.memory.query,
  'memory.stats': topics.memory.stats,
  'memory.export': topics.memory.export,
  'memory.import': topics.memory.import,
  'memory.update': topics.memory.update,
  'memory.forget': topics.memory.forget,
  'memory.consolidate': topics.memory.consolidate,
  'memory.others.store': topics.memory.others.store,
  'memory.others.store-batch': topics.memory.others.storeBatch,
  'memory.others.get': topics.memory.others.get,
  'memory.others.history': topics.memory.others.history,
  'memory.others.query': topics.memory.others.query,
  'memory.others.stats': topics.memory.others.stats,
  'memory.others.update': topics.memory.others.update,
  'memory.others.forget': topics.memory.others.forget,
  'memory.others.consolidate': topics.memory.others.consolidate,
  'broker.status': topics.broker.status,
  'broker.clients': topics.broker.clients,
  'broker.client': topics.broker.client,
  'broker.retained': topics.broker.retained,
  'broker.topic': topics.broker.topic,
  'broker.outbox': topics.broker.outbox,
  'broker.findings': topics.broker.findings,
  'broker.disconnect': topics.broker.disconnect,
} as const satisfies Record<OperationName, RequestContract>

/** The levels before the client identifier in every reply inbox. */
const INBOX_ROOT = 'jamey/api/responses'

/** `jamey/api/responses/<client id>/#`: what a client subscribes to for its answers. */
export function inboxFilter(clientId: string): string {
  return `${INBOX_ROOT}/${clientId}/#`
}

/** `jamey/api/responses/<client id>/<service>/<name>`: where a client takes answers of one service, and only its. */
export function inboxTopic(clientId: string, service: string, name: string): string {
  return `${INBOX_ROOT}/${clientId}/${service}/${name}`
}

/** `jamey/api/responses/+/<service>/#`: where a service answers, whoever asks. */
export function answersFilter(service: string): string {
  return `${INBOX_ROOT}/+/${service}/#`
}

/** Whether `topic` is a topic in some client's inbox; answers go nowhere else. */
export function isInboxTopic(topic: string): boolean {
  return topic.startsWith(`${INBOX_ROOT}/`) && topic.length > INBOX_ROOT.length + 1
}

/** Whether `topic` is one at which `clientId` takes answers of `service`. Asked for every request, so it makes nothing. */
export function isInboxOf(topic: string, clientId: string, service: string): boolean {
  const owner = INBOX_ROOT.length + 1
  const level = owner + clientId.length + 1
  const name = level + service.length + 1
  return (
    topic.length > name &&
    topic.startsWith(INBOX_ROOT) &&
    topic.startsWith(clientId, owner) &&
    topic.startsWith(service, level) &&
    topic[owner - 1] === '/' &&
    topic[level - 1] === '/' &&
    topic[name - 1] === '/'
  )
}
