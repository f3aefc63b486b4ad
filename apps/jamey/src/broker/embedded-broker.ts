import type { Broker, BrokerStore, ListenerAddress } from '@jamey/broker'
import type { Manifest } from '@jamey/manifest'
import type { Logger } from 'pino'
import { EXIT } from '../support/exit-codes.js'
import { CommandFailure } from '../support/failure.js'
import { hostInUrl } from '../support/host-address.js'
import { anotherPort } from '../support/listening.js'
import type { Access } from './access.js'
import { DEFAULT_GRACE_MS, DEFAULT_REFUSE_WHEN_FULL, DEFAULT_STAMP_SENDERS } from './defaults.js'
import type { BrokerSettings } from './settings.js'

/** The broker of `jamey up`: one listener with TLS 1.3, everybody known by token. */
export function embeddedSettings(given: {
  readonly host: string
  readonly port: number
  readonly cert: string
  readonly key: string
  readonly ca: string
  readonly secrets: readonly string[]
  readonly storePath: string
  readonly deniedFile: string
  /** A revocation list of `ca`, which may come later. */
  readonly ownCrlFile?: string
  /** Files from which the certificates were read, to be looked at all the time. */
  readonly tlsFiles?: readonly string[]
  readonly manifest?: Manifest | undefined
  /** The parts of the system, which a certificate of `ca` lets in, and no token alone. */
  readonly ownClients: readonly string[]
}): BrokerSettings {
  const { host, port, cert, key, ca, secrets, storePath } = given
  return {
    listeners: [{ host, port, tls: { cert, key, ca, requestClientCertificate: true } }],
    storePath,
    authentication: { method: 'token', secrets, certificateRequiredFor: given.ownClients },
    refused: [],
    revocation: { deniedFile: given.deniedFile, ownCrlFile: given.ownCrlFile, authorities: [ca] },
    tlsFiles: given.tlsFiles ?? [],
    permissions: undefined,
    manifest: given.manifest,
    limits: {},
    overflow: undefined,
    sharedSubscriptions: undefined,
    maximumQos: undefined,
    retainAvailable: undefined,
    stampSenders: DEFAULT_STAMP_SENDERS,
    refuseWhenFull: DEFAULT_REFUSE_WHEN_FULL,
    logLevel: undefined,
    shutdown: { graceMs: DEFAULT_GRACE_MS },
  }
}

/** Resolves when every listener accepts connections. `portSetting` is how the user changes the port of the first. */
export async function startBroker(
  settings: BrokerSettings,
  { log, portSetting, access }: { log: Logger; portSetting: string; access?: Access | undefined },
): Promise<Broker> {
  const [{ createBroker }, { accessOf }] = await Promise.all([import('@jamey/broker'), import('./access.js')])
  const { listeners, storePath, limits, overflow, sharedSubscriptions } = settings
  const { maximumQos, retainAvailable, stampSenders, refuseWhenFull } = settings
  const { authenticator } = access ?? accessOf(settings, { log })
  const store = storePath === undefined ? undefined : await openStore(storePath)
  let broker: Broker
  try {
    broker = await createBroker({
      listeners,
      limits,
      overflow,
      sharedSubscriptions,
      maximumQos,
      retainAvailable,
      stampSenders,
      refuseWhenFull,
      store,
      authenticator,
      log,
    })
  } catch (error) {
    await store?.close()
    throw error
  }
  try {
    await broker.listen()
    return broker
  } catch (error) {
    await broker.close({ graceMs: 0 })
    throw listenFailure(error, settings, portSetting)
  }
}

async function openStore(path: string): Promise<BrokerStore> {
  const { assertOwnFolder } = await import('@jamey/auth')
  assertOwnFolder(path)
  const { openBrokerStore } = await import('@jamey/store')
  return openBrokerStore({ path })
}

/** `mqtts://127.0.0.1:8883`, as clients write it. */
export function urlOf({ port, tls, webSocketPath }: ListenerAddress, host: string): string {
  if (webSocketPath === undefined) return `${tls ? 'mqtts' : 'mqtt'}://${hostInUrl(host)}:${port}`
  return `${tls ? 'wss' : 'ws'}://${hostInUrl(host)}:${port}${webSocketPath}`
}

function listenFailure(error: unknown, { listeners }: BrokerSettings, portSetting: string): unknown {
  const { code, message } = error as { code?: unknown; message: string }
  if (code !== 'address-in-use') return error
  const taken = listeners.findIndex(({ host, port }) => message.startsWith(`${host}:${port} `))
  const { host, port } = listeners[taken] ?? {}
  const setting = taken === 0 ? portSetting : `listeners[${taken}].port`
  return new CommandFailure(`port ${port} on ${host} is taken by another process`, {
    code: 'port-taken',
    exitCode: EXIT.other,
    hint: anotherPort(setting, port),
    cause: error,
  })
}
