import { type Contract, filterOf, parametersOf, type TopicParameters } from './contract.js'

type Topic = Pick<Contract, 'topic'>

/** What the topic that a message came by tells. */
export interface Address {
  /** The contract's own topic: `jamey/memory/updates` of `jamey/memory/updates/jamey-memory`. */
  readonly topic: string
  /** Who published, where the topic says it: a topic that ends with a client identifier is that client's alone. */
  readonly sender: string | undefined
}

/** Whether every topic of `contract` ends with the client identifier of who publishes there. */
export function namesSender({ topic }: Topic): boolean {
  return topic.endsWith('/{client_id}')
}

/**
 * The filter for the messages of `contract` in both forms: on its topic, and on `<topic>/<client id>`, where whoever
 * published stands behind it. The number sign selects the level above it, too. [MQTT 5.0 section 4.7.1.2]
 */
export function messagesFilterOf(contract: Topic, parameters: TopicParameters = {}): string {
  const filter = filterOf(contract, parameters)
  return namesSender(contract) ? filter : `${filter}/#`
}

/** Where a message of `contract` came by `topic`; undefined where it is none of the contract's. */
export function addressOf(contract: Topic, topic: string): Address | undefined {
  if (parametersOf(contract, topic) !== undefined) {
    return { topic, sender: namesSender(contract) ? lastLevelOf(topic) : undefined }
  }
  if (namesSender(contract)) return undefined
  const own = topic.slice(0, topic.lastIndexOf('/'))
  if (own === '' || parametersOf(contract, own) === undefined) return undefined
  return { topic: own, sender: lastLevelOf(topic) }
}

function lastLevelOf(topic: string): string {
  return topic.slice(topic.lastIndexOf('/') + 1)
}
