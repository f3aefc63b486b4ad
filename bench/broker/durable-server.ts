import { createBroker, insecureAuthenticator } from '@jamey/broker'
import { openBrokerStore } from '@jamey/store'

/** Our broker with its state in the folder it is given; says its port and how long it took to listen. */
const [path = ''] = process.argv.slice(2)
const from = performance.now()
const broker = await createBroker({
  listeners: [{ host: '127.0.0.1', port: 0, insecure: true }],
  authenticator: insecureAuthenticator(),
  store: await openBrokerStore({ path }),
  limits: {
    queuedMessages: 2_000_000,
    queuedBytes: 4_000_000_000,
    connections: 20_000,
    sysIntervalSeconds: 0,
  },
})
await broker.listen()
process.stdout.write(`${broker.addresses[0]?.port} ${Math.round(performance.now() - from)}\n`)
