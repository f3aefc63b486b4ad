import type { Bus } from '@jamey/bus'

/** What the service needs of a bus. */
export type ConscienceBus = Pick<
  Bus,
  'clientId' | 'publish' | 'request' | 'serve' | 'setRemark' | 'subscribe' | 'reportError'
>
