import { isTopicFilter, matches } from '@jamey/protocol'
import { BrokerError, type BrokerErrorCode } from './errors.js'

/** Topics that an option names by filters. */
export class TopicFilters {
  readonly filters: readonly string[]

  /** Throws `BrokerError` with `code` where one is no filter that clients publish under; `option` is its name. */
  constructor(filters: readonly string[], option: string, code: BrokerErrorCode) {
    for (const filter of filters) {
      if (isTopicFilter(filter) && !filter.startsWith('$share/') && !filter.startsWith('$SYS/')) continue
      const expected = 'expected topic filters, not shared, and none under $SYS, where no client publishes'
      throw new BrokerError(code, `${option}: got ${JSON.stringify(filter)}; ${expected}`)
    }
    this.filters = [...filters]
  }

  selects(topic: string): boolean {
    return this.filters.some((filter) => matches(filter, topic))
  }
}
