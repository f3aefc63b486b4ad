import { createBroker, insecureAuthenticator } from '@jamey/broker'

/** Our broker as a process of its own; says its port and ends with its standard input. */
const broker = await createBroker({
  listeners: [{ host: '127.0.0.1', port: 0, insecure: true }],
  authenticator: insecureAuthenticator(),
})
await broker.listen()
process.stdout.write(`${broker.addresses[0]?.port}\n`)
process.stdin.resume()
process.stdin.on('end', () => process.exit(0))
