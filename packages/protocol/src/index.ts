export * from './error.js'
export * from './packets.js'
export type * from './properties.js'
export { PROPERTIES } from './properties.js'
export {
  describeReasonCode,
  isFailure,
  REASON_CODES_OF,
  ReasonCode,
  type ReasonCodeName,
} from './reason-codes.js'
export * from './topics.js'
