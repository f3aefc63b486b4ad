/** A process of the chaos run: our broker on `port`, with its state on disk in `folder`. */
import { createBroker, insecureAuthenticator } from '@jamey/broker'
import { openBrokerStore } from '@jamey/store'

const [port, folder] = process.argv.slice(2)
const broker = await createBroker({
  listeners: [{ host: '127.0.0.1', port: Number(port), insecure: true }],
  authenticator: insecureAuthenticator(),
  store: await openBrokerStore({ path: folder }),
  limits: { sysIntervalSeconds: 0, queuedMessages: 1_000_000, queuedBytes: 1_000_000_000 },
})
await broker.listen()
process.stdout.write('ready\n')
