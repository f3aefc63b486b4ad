import type { Bus } from '@jamey/bus'

/** What the gateway needs of a bus. */
export type GatewayBus = Pick<
  Bus,
  | 'request'
  | 'serve'
  | 'publish'
  | 'subscribe'
  | 'state'
  | 'onState'
  | 'faults'
  | 'permissions'
  | 'senderOf'
  | 'principalOf'
  | 'topicFor'
> & {
  /** Messages past the contracts: those whose permissions are a caller's. */
  readonly mqtt: Pick<Bus['mqtt'], 'subscribe' | 'publish' | 'serverInformation'>
}
