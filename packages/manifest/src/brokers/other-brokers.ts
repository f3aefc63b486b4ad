import type { BrokerOptions, MakeBrokerFiles } from './broker-files.js'
import { natsFiles } from './nats.js'
import { rabbitMqFiles } from './rabbitmq.js'

type ClientsBy = BrokerOptions['clientsBy']

/** A broker for which files can be made. */
export interface OtherBroker {
  readonly make: MakeBrokerFiles
  /** What it can know clients by; the first is what it should. */
  readonly clientsBy: readonly [ClientsBy, ...ClientsBy[]]
  /** Whether it asks the authorization service then. */
  asksService(clientsBy: ClientsBy): boolean
}

/** By the names of their programs. */
export const OTHER_BROKERS = {
  rabbitmq: { make: rabbitMqFiles, clientsBy: ['tokens', 'certificates'], asksService: () => true },
  nats: { make: natsFiles, clientsBy: ['certificates'], asksService: () => false },
} as const satisfies Readonly<Record<string, OtherBroker>>

export type OtherBrokerName = keyof typeof OTHER_BROKERS
