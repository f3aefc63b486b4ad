import { type AuthenticationRequest, createBroker, type Identity, insecureAuthenticator } from '@jamey/broker'
import { openBrokerStore } from '../index.js'
import { report } from './report.js'

/** This module, for `Child`. */
export const SERVING_PROCESS = 'serving-process.ts'

async function authenticate(request: AuthenticationRequest): Promise<Identity> {
  const actsFor = request.clientId === 'gateway' ? ['agent-7'] : []
  return { ...((await insecureAuthenticator().authenticate(request)) as Identity), actsFor }
}

/** A broker with its store in `path`, until it is killed; prints its port. In it `gateway` may act for `agent-7`. */
export async function run(path: string): Promise<void> {
  const broker = await createBroker({
    listeners: [{ host: '127.0.0.1', port: 0, insecure: true }],
    authenticator: { authenticate },
    stampSenders: ['s/#'],
    store: await openBrokerStore({ path }),
    limits: { sysIntervalSeconds: 0 },
  })
  await broker.listen()
  report(`${broker.addresses[0]?.port}`)
  await new Promise(() => {})
}
