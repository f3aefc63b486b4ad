import { createBroker, insecureAuthenticator } from '@jamey/broker'
import { takeJob, tell } from './role.js'
import type { Certificates } from './sink.js'

/** Our broker as it is embedded, alone in its process, everything allowed, nothing persisted. */

const { certificates } = await takeJob<{ certificates: Certificates | undefined }>()
const where = { host: '127.0.0.1', port: 0 }
const broker = await createBroker({
  listeners: [certificates === undefined ? { ...where, insecure: true } : { ...where, tls: certificates }],
  authenticator: insecureAuthenticator(),
})
await broker.listen()
const [address] = broker.addresses
if (address === undefined) throw new Error('the broker listens nowhere')
await tell({ port: address.port })
