import type { Bus } from '@jamey/bus'

/** What the gateway needs of a bus. */
export type GatewayBus = Pick<Bus, 'request' | 'serve' | 'subscribe' | 'state' | 'onState' | 'faults'>
