import { createBroker, insecureAuthenticator } from '@jamey/broker'
import { openBrokerStore } from '@jamey/store'
import type { BrokerJob } from './brokers.js'
import { takeJob, tell } from './role.js'

/** Our broker as it is embedded, alone in its process, with Mosquitto's settings: everything allowed, no limit in the way. */

const PLENTY = 100_000_000
const LIMITS = {
  connections: PLENTY,
  connectionsPerAddress: PLENTY,
  pendingConnections: PLENTY,
  pendingPerAddress: PLENTY,
  connectionsPerSecond: PLENTY,
  connectionsPerSecondPerAddress: PLENTY,
  inFlight: 65_535,
  receiveMaximum: 65_535,
  subscriptionsPerClient: PLENTY,
  sessions: PLENTY,
  queuedMessages: PLENTY,
  queuedBytes: 1_000 * PLENTY,
  retainedMessages: PLENTY,
  retainedBytes: 1_000 * PLENTY,
  retainedMessagesPerClient: PLENTY,
  retainedBytesPerClient: 1_000 * PLENTY,
}

const { authenticate } = insecureAuthenticator()
const { certificates, storePath, isStamped } = await takeJob<BrokerJob>()
const startedAt = performance.now()
const where = { host: '127.0.0.1', port: 0 }
const broker = await createBroker({
  listeners: [certificates === undefined ? { ...where, insecure: true } : { ...where, tls: certificates }],
  // As most clients are, who may act for nobody else.
  authenticator: { authenticate: async (request) => ({ ...(await authenticate(request)), actsFor: [] }) },
  limits: LIMITS,
  ...(isStamped === true ? { stampSenders: ['#'] } : {}),
  ...(storePath === undefined ? {} : { store: await openBrokerStore({ path: storePath }) }),
})
await broker.listen()
const [address] = broker.addresses
if (address === undefined) throw new Error('the broker listens nowhere')
await tell({ port: address.port, milliseconds: performance.now() - startedAt })
