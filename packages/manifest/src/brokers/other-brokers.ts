import type { BrokerOptions, MakeBrokerFiles } from './broker-files.js'
import { emqxFiles } from './emqx.js'
import { mosquittoFiles } from './mosquitto.js'
import { natsFiles } from './nats.js'
import { rabbitMqFiles } from './rabbitmq.js'
import { vernemqFiles } from './vernemq.js'

type ClientsBy = BrokerOptions['clientsBy']

/** A broker for which files can be made. */
export interface OtherBroker {
  readonly make: MakeBrokerFiles
  /** The ways in which it can know clients; the first is the one it should use. */
  readonly clientsBy: readonly [ClientsBy, ...ClientsBy[]]
  /** True where its files hold something made from the secret that it shares with the authorization service. */
  readonly needsSecret: boolean
}

/** Brokers by the names of their programs. */
export const OTHER_BROKERS = {
  mosquitto: { make: mosquittoFiles, clientsBy: ['tokens', 'certificates'], needsSecret: false },
  emqx: { make: emqxFiles, clientsBy: ['tokens', 'certificates'], needsSecret: true },
  vernemq: { make: vernemqFiles, clientsBy: ['tokens', 'certificates'], needsSecret: true },
  rabbitmq: { make: rabbitMqFiles, clientsBy: ['tokens', 'certificates'], needsSecret: true },
  nats: { make: natsFiles, clientsBy: ['certificates'], needsSecret: false },
} as const satisfies Readonly<Record<string, OtherBroker>>

export type OtherBrokerName = keyof typeof OTHER_BROKERS
