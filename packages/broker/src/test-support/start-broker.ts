import { afterEach } from 'vitest'
import { type Broker, type BrokerOptions, createBroker, insecureAuthenticator } from '../index.js'

const running: Broker[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map((broker) => broker.close({ graceMs: 0 })))
})

/** A broker on a free port of the loopback, closed after the test. Publishes no `$SYS` unless a test wants it. */
export async function startBroker(
  options: Partial<BrokerOptions> = {},
): Promise<{ broker: Broker; port: number }> {
  const broker = await createBroker({
    listeners: [{ host: '127.0.0.1', port: 0, insecure: true }],
    authenticator: insecureAuthenticator(),
    ...options,
    limits: { sysIntervalSeconds: 0, ...options.limits },
  })
  running.push(broker)
  await broker.listen()
  return { broker, port: broker.addresses[0]?.port ?? 0 }
}
