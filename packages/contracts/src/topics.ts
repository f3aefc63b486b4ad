import { api, type OperationName } from './api.js'
import { conscience } from './conscience.js'
import type { Contract, RequestContract } from './contract.js'
import { events } from './events.js'
import { memory } from './memory.js'

/** Every topic of Jamey, in the tree of the specification's section 3. */
export const topics = { conscience, memory, events, api } as const

/** Every contract, for those who list, document or dispatch; the reply inbox is no contract of its own. */
export const CONTRACTS: readonly Contract[] = [
  topics.conscience.evaluate,
  topics.conscience.results,
  topics.memory.store,
  topics.memory.forget,
  topics.memory.query,
  topics.memory.get,
  topics.memory.updates,
  topics.events.status,
  topics.events.heartbeat,
  topics.events.errors,
  topics.api.requests,
]

/** The contract behind each operation of the API. */
export const OPERATIONS = {
  'conscience.evaluate': topics.conscience.evaluate,
  'memory.store': topics.memory.store,
  'memory.query': topics.memory.query,
  'memory.get': topics.memory.get,
  'memory.forget': topics.memory.forget,
} as const satisfies Record<OperationName, RequestContract>

/** The levels before the client identifier in every reply inbox. */
const INBOX_ROOT = 'jamey/api/responses'

/** Every reply inbox: what a service that answers everybody may publish to. */
export const INBOXES_FILTER = `${INBOX_ROOT}/#`

/** `jamey/api/responses/<client id>/#`: what a client subscribes to for its answers. */
export function inboxFilter(clientId: string): string {
  return `${INBOX_ROOT}/${clientId}/#`
}

/** `jamey/api/responses/<client id>/<name>`: a response topic inside a client's inbox. */
export function inboxTopic(clientId: string, name: string): string {
  return `${INBOX_ROOT}/${clientId}/${name}`
}

/** The client whose inbox `topic` lies in; undefined where it lies in none. */
export function inboxOwner(topic: string): string | undefined {
  return isInboxTopic(topic) ? topic.slice(INBOX_ROOT.length + 1).split('/')[0] : undefined
}

/** Whether `topic` lies in some client's inbox; answers go nowhere else. */
export function isInboxTopic(topic: string): boolean {
  return topic.startsWith(`${INBOX_ROOT}/`) && topic.length > INBOX_ROOT.length + 1
}
