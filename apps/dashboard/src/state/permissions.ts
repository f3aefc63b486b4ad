import { covers, matches } from '@jamey/protocol'

/** Topics at which the broker's process is asked and told. */
export const BROKER_QUERY = 'jamey/broker/query'
export const BROKER_DISCONNECT = 'jamey/broker/disconnect'
export const VERDICTS_LIST = 'jamey/conscience/verdicts-list'
export const APPROVALS_LIST = 'jamey/conscience/approvals-list'
export const APPROVALS_ANSWER = 'jamey/conscience/approvals-answer'
export const MEMORY_QUERY = 'jamey/memory/query'
export const OTHERS_QUERY = 'jamey/memory/others/query'
export const VERDICTS = 'jamey/conscience/results'
export const APPROVAL_STATES = 'jamey/conscience/approvals/#'
export const STATUSES = 'jamey/events/status/#'
export const ERRORS = 'jamey/events/errors'

/**
 * What a list of permissions seems to allow, so that the page offers nothing in vain; whoever serves a call decides.
 * Each entry is an MQTT filter, after `publish:`, `subscribe:` or neither, `%c` standing for the client itself.
 */
export class Rights {
  readonly #publish: readonly string[]
  readonly #subscribe: readonly string[]

  constructor(list: readonly string[], clientId: string) {
    const filters = (verb: string): string[] =>
      list
        .filter((entry) => entry.startsWith(`${verb}:`) || !/^[a-z-]+:/.test(entry))
        .map((entry) => entry.replace(/^[a-z-]+:/, ''))
        .map((entry) =>
          entry
            .split('/')
            .map((level) => (level === '%c' ? clientId : level))
            .join('/'),
        )
    this.#publish = filters('publish')
    this.#subscribe = filters('subscribe')
  }

  mayPublish(topic: string): boolean {
    return this.#publish.some((filter) => matches(filter, topic))
  }

  maySubscribe(filter: string): boolean {
    return this.#subscribe.some((permission) => covers(permission, filter))
  }
}
