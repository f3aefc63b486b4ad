/** Totals since the bus was made, apart from `requestsWaiting` and `serving`, which are of this moment. */
export interface BusStats {
  /** Messages handed to the MQTT client, whatever became of them: requests, answers and presence, too. */
  readonly published: number
  /** Valid messages handed to a handler, requests and answers included. */
  readonly received: number
  /** Messages, requests and answers that had not the shape they must have. */
  readonly invalid: number
  /** Messages, requests and answers of which the server, or their topic, says that another client published them, and
   * requests of which neither says it. */
  readonly refusedSenders: number
  readonly requests: number
  readonly requestsWaiting: number
  readonly requestsTimedOut: number
  /** Requests sent again because no answer came. */
  readonly requestsRepeated: number
  /** Answers that came too late or belonged to nobody here. */
  readonly answersDropped: number
  /** Answers that were about another request. */
  readonly answersMismatched: number
  readonly served: number
  readonly serving: number
  /** Requests answered from the cache, or joined to one in progress. */
  readonly servedAgain: number
  /** Requests whose deadline passed before they could be answered. */
  readonly servedLate: number
  /** Requests that were refused because their sender had as many unanswered as one may. */
  readonly overloaded: number
  /** Answers that the server had no room for, because their requester does not read what it is sent. */
  readonly answersUnread: number
  readonly handlerFailures: number
  readonly rateLimited: number
  /** Error events that could not be published. */
  readonly reportsLost: number
}

/** The counted part; a plain object of numbers, so that counting costs an increment. */
export class Counters {
  published = 0
  received = 0
  invalid = 0
  refusedSenders = 0
  requests = 0
  requestsTimedOut = 0
  requestsRepeated = 0
  answersDropped = 0
  answersMismatched = 0
  served = 0
  serving = 0
  servedAgain = 0
  servedLate = 0
  overloaded = 0
  answersUnread = 0
  handlerFailures = 0
  rateLimited = 0
  reportsLost = 0
}
