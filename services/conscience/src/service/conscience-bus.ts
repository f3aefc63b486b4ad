import type { Bus } from '@jamey/bus'

/** The part of a bus that the service needs. */
export type ConscienceBus = Pick<
  Bus,
  'clientId' | 'publish' | 'request' | 'serve' | 'setRemark' | 'subscribe' | 'reportError'
>
