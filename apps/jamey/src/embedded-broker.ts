import type { Broker, BrokerStore } from '@jamey/broker'
import type { Logger } from 'pino'
import { EXIT } from './exit-codes.js'
import { CommandFailure } from './failure.js'

export interface SecureBrokerOptions {
  readonly host: string
  readonly port: number
  readonly cert: string
  readonly key: string
  /** Who vouches for client certificates; without it none is asked for. */
  readonly ca: string | undefined
  readonly secret: string
  /** A folder of the broker's own: sessions, queued and retained messages outlive the process. Without it nothing does. */
  readonly storePath: string | undefined
  readonly log: Logger
  /** How the user changes the port: `--port` or a variable. */
  readonly portSetting: string
}

/** A broker that serves TLS 1.3 alone and knows everybody by token. Resolves when it listens. */
export async function startSecureBroker(options: SecureBrokerOptions): Promise<Broker> {
  const [{ createBroker }, { tokenAuthenticator }] = await Promise.all([
    import('@jamey/broker'),
    import('@jamey/auth'),
  ])
  const { host, port, cert, key, ca, log, storePath } = options
  const store = storePath === undefined ? undefined : await openStore(storePath)
  return listen(options, () =>
    createBroker({
      ...(store === undefined ? {} : { store }),
      listeners: [
        {
          host,
          port,
          tls: { cert, key, ...(ca === undefined ? {} : { ca, requestClientCertificate: true }) },
        },
      ],
      authenticator: tokenAuthenticator({ secret: options.secret }),
      log: log.child({ component: 'broker' }),
    }),
  )
}

async function openStore(path: string): Promise<BrokerStore> {
  const { openBrokerStore } = await import('@jamey/store')
  return openBrokerStore({ path })
}

/** A broker for tests and measurements: plain TCP, anybody, everything. */
export async function startInsecureBroker(options: {
  readonly host: string
  readonly port: number
  readonly log: Logger
  readonly portSetting: string
}): Promise<Broker> {
  const { createBroker, insecureAuthenticator } = await import('@jamey/broker')
  const { host, port, log } = options
  return listen(options, () =>
    createBroker({
      listeners: [{ host, port, insecure: true }],
      authenticator: insecureAuthenticator(),
      log: log.child({ component: 'broker' }),
    }),
  )
}

async function listen(
  where: { readonly host: string; readonly port: number; readonly portSetting: string },
  create: () => Promise<Broker>,
): Promise<Broker> {
  const broker = await create()
  try {
    await broker.listen()
    return broker
  } catch (error) {
    await broker.close({ graceMs: 0 })
    throw listenFailure(error, where)
  }
}

function listenFailure(
  error: unknown,
  { host, port, portSetting }: { readonly host: string; readonly port: number; readonly portSetting: string },
): unknown {
  const { code } = error as { code?: unknown }
  if (code !== 'address-in-use') return error
  const way = `choose another one with ${portSetting}, or stop what listens there`
  return new CommandFailure(`port ${port} on ${host} is taken by another process: ${way}`, {
    code: 'port-taken',
    exitCode: EXIT.other,
    cause: error,
  })
}
