import { createBroker, insecureAuthenticator } from '@jamey/broker'
import { openBrokerStore } from '../index.js'
import { report } from './report.js'

/** This module, for `Child`. */
export const SERVING_PROCESS = 'serving-process.ts'

/** A broker with its store in `path`, until it is killed; prints its port. */
export async function run(path: string): Promise<void> {
  const broker = await createBroker({
    listeners: [{ host: '127.0.0.1', port: 0, insecure: true }],
    authenticator: insecureAuthenticator(),
    store: await openBrokerStore({ path }),
    limits: { sysIntervalSeconds: 0 },
  })
  await broker.listen()
  report(`${broker.addresses[0]?.port}`)
  await new Promise(() => {})
}
