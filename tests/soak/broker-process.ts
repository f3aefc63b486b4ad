import { tokenAuthenticator } from '@jamey/auth'
import { type Broker, createBroker, insecureAuthenticator, type Log } from '@jamey/broker'
import { openBrokerStore } from '@jamey/store'
import { ErrorLog } from './error-log.js'
import type { BrokerOptions, BrokerReport, Order } from './reports.js'
import { obeyOrders } from './subordinate-side.js'
import { Vitals } from './vital-signs.js'
import { kindOf } from './world.js'

/** Room for what waits while a busy machine stands still: a drop by the policy would look like a loss. */
const LIMITS = { queuedMessages: 2_000_000, queuedBytes: 1_000_000_000 }

/** The broker of a soak in a process of its own: persistent, with TLS 1.3 and tokens as `jamey up` has it. */
const vitals = new Vitals()
const errors = new ErrorLog()
const endings = new ErrorLog()
let broker: Broker | undefined

const ignore = (): void => {}
const log: Log = {
  debug: ignore,
  info: ({ reason, clientId }, message) => {
    if (message !== 'connection ended by the server') return
    endings.note(kindOf(String(clientId)), new Error(String(reason)))
  },
  warn: ignore,
  error: ({ err }, message) => errors.note(message, err),
}

async function listen({ folder, security }: BrokerOptions): Promise<number> {
  broker = await createBroker({
    store: await openBrokerStore({ path: `${folder}/broker` }),
    log,
    limits: LIMITS,
    ...(security === undefined
      ? {
          listeners: [{ host: '127.0.0.1', port: 0, insecure: true }],
          authenticator: insecureAuthenticator(),
        }
      : {
          listeners: [
            {
              host: '127.0.0.1',
              port: 0,
              tls: {
                cert: security.cert,
                key: security.key,
                ca: security.ca,
                requestClientCertificate: true,
              },
            },
          ],
          authenticator: tokenAuthenticator({ secret: security.secret }),
        }),
  })
  await broker.listen()
  return broker.addresses[0]?.port ?? 0
}

function report(): BrokerReport {
  if (broker === undefined) throw new Error('the broker was not started')
  return { vitals: vitals.look(), stats: broker.stats(), errors: errors.all, endings: endings.all }
}

async function obey(order: Order): Promise<unknown> {
  switch (order.ask) {
    case 'listen':
      return listen(order.broker)
    case 'sample':
      return report()
    case 'finish': {
      const last = report()
      vitals.stop()
      await broker?.close()
      return last
    }
    default:
      throw new Error(`the broker cannot ${order.ask}`)
  }
}

obeyOrders(obey)
