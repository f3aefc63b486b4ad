import { dirname, join, resolve } from 'node:path'
import type { KeySet, RevocationFiles } from '@jamey/auth'
import type { BrokerOptions, CloseOptions, Limits, ListenerOptions } from '@jamey/broker'
import { ConfigurationError, type ConfigurationFault } from '@jamey/bus'
import type { Manifest } from '@jamey/manifest'
import type { LogLevel } from '../terminal/log-level.js'
import { contradictionsIn } from './settings-conflicts.js'
import { readBrokerFile } from './settings-file.js'
import { kindOf, type Layers, layersOf, type SettingsSource } from './settings-layers.js'
import { brokerSchema, faultsOf } from './settings-schema.js'

/**
 * Says who a client is. `token`: the name in its token. `certificate`: that in its certificate. `none`: the name that
 * it gives itself.
 */
export type AuthenticationSettings =
  | ({ readonly method: 'token' } & TokenTrust)
  | { readonly method: 'certificate' }
  | { readonly method: 'none' }

/** The issuers whose tokens are believed. */
export interface TokenTrust {
  /** Secrets of HS256; empty where only public keys verify. */
  readonly secrets: readonly string[]
  readonly keys?: KeySet | { readonly url: string; readonly ca: string | undefined } | undefined
  readonly audience?: readonly string[] | undefined
  readonly issuers?: readonly string[] | undefined
  /** Identifiers, in which `*` stands for any characters, of which a token alone is not enough. */
  readonly certificateRequiredFor?: readonly string[] | undefined
}

/** The most that clients may do; `clients` are identifiers in which `*` stands for any characters. */
export interface PermissionEntry {
  readonly clients: readonly string[]
  readonly allow: readonly string[]
}

export interface BrokerSettings {
  readonly listeners: readonly ListenerOptions[]
  /** Folder in which sessions, queued and retained messages are kept; undefined: none. */
  readonly storePath: string | undefined
  readonly authentication: AuthenticationSettings
  /** Identifiers of clients that do not come in, in which `*` stands for any characters. */
  readonly refused: readonly string[]
  /** Files that say who comes in no more; they are looked at all the time. */
  readonly revocation: RevocationFiles
  /** Undefined: the token alone says it. */
  readonly permissions: readonly PermissionEntry[] | undefined
  /** Files of certificates, keys and authorities of TLS, which are looked at all the time. */
  readonly tlsFiles: readonly string[]
  /** Says who may connect, how each proves it, and what it may do at most. Undefined: whoever can prove it. */
  readonly manifest: Manifest | undefined
  readonly limits: Partial<Limits>
  readonly overflow: BrokerOptions['overflow']
  readonly sharedSubscriptions: BrokerOptions['sharedSubscriptions']
  readonly maximumQos: BrokerOptions['maximumQos']
  readonly retainAvailable: BrokerOptions['retainAvailable']
  /** Topic filters under which messages tell who published them. */
  readonly stampSenders: readonly string[]
  /** Topic filters under which messages slow nobody down. */
  readonly refuseWhenFull: readonly string[]
  readonly logLevel: LogLevel | undefined
  readonly shutdown: CloseOptions & { readonly graceMs: number }
}

/** Reads them anew, with every file that they name. Throws `ConfigurationError` with every fault at once. */
export async function readBrokerSettings(source: SettingsSource): Promise<BrokerSettings> {
  const file = readBrokerFile(source.flags.config ?? source.env['JAMEY_BROKER_CONFIG'], source.cwd)
  const layers = layersOf(source, file)
  const parsed = await brokerSchema(file.folder).safeParseAsync(layers.value, { reportInput: true })
  const faults: ConfigurationFault[] = [
    ...file.faults,
    ...layers.faults,
    ...faultsOf(parsed.error, layers),
    // A file that cannot be read would lack everything, which is no news.
    ...(file.faults.length > 0 ? [] : contradictionsIn(layers)),
  ]
  if (parsed.success) faults.push(...proofFaults(parsed.data, layers))
  if (!parsed.success || faults.length > 0) throw new ConfigurationError(faults)
  const { listeners, authentication, refused, deniedFile, crlFiles, permissions } = parsed.data
  const { manifest, limits, overflow, sharedSubscriptions, stampSenders, refuseWhenFull } = parsed.data
  const { maximumQos, retainAvailable } = parsed.data
  return {
    listeners,
    storePath: parsed.data.store === 'none' ? undefined : parsed.data.store,
    authentication: authenticationOf(authentication),
    refused,
    revocation: {
      deniedFile,
      crlFiles,
      ownCrlFile: ownCrlFileOf(layers, file.folder, crlFiles),
      authorities: authoritiesOf(listeners),
    },
    tlsFiles: tlsFilesOf(layers, file.folder),
    permissions,
    manifest,
    limits,
    overflow,
    sharedSubscriptions,
    maximumQos,
    retainAvailable,
    stampSenders,
    refuseWhenFull,
    logLevel: parsed.data.logLevel,
    shutdown: parsed.data.shutdown,
  }
}

/**
 * The folder of the store alone, for commands that look at nothing else of the broker: its certificates may be out of
 * their reach. Undefined: there is none. Throws `ConfigurationError`.
 */
export function readStorePath(source: SettingsSource): string | undefined {
  const file = readBrokerFile(source.flags.config ?? source.env['JAMEY_BROKER_CONFIG'], source.cwd)
  const layers = layersOf(source, file)
  const store = layers.get(['store'])
  const faults = [...file.faults, ...layers.faults]
  if (typeof store !== 'string' || store === '') {
    const expected = 'the path of a folder, or none'
    faults.push({ variable: layers.nameOf(['store']), found: kindOf(store), expected })
  }
  if (faults.length > 0) throw new ConfigurationError(faults)
  return store === 'none' ? undefined : resolve(file.folder, String(store))
}

/** The list of an authority that lies beside its certificate, as `jamey certs revoke` writes it. */
function ownCrlFileOf(layers: Layers, folder: string, crlFiles: readonly string[] = []): string | undefined {
  const ca = layers.get(['listeners', 0, 'tls', 'ca'])
  if (typeof ca !== 'string') return undefined
  const path = join(dirname(resolve(folder, ca)), 'crl.pem')
  return crlFiles.includes(path) ? undefined : path
}

/** Files of TLS as the settings name them; all of them could be read. */
function tlsFilesOf(layers: Layers, folder: string): string[] {
  const listeners = layers.get(['listeners'])
  const paths = (Array.isArray(listeners) ? listeners : []).flatMap((_, i) =>
    ['cert', 'key', 'ca'].map((name) => layers.get(['listeners', i, 'tls', name])),
  )
  const texts = paths.filter((path) => typeof path === 'string')
  return [...new Set(texts.map((path) => resolve(folder, path)))]
}

/** A client that has only a certificate cannot show it where no listener asks. */
function proofFaults(
  { manifest, listeners }: { manifest?: Manifest | undefined; listeners: readonly ListenerOptions[] },
  layers: Layers,
): ConfigurationFault[] {
  const bound = manifest?.clients.find(({ proofs }) => proofs.every((proof) => proof === 'certificate'))
  if (bound === undefined || listeners.some(({ tls }) => tls?.requestClientCertificate === true)) return []
  const found = `a client that proves who it is by a certificate (${JSON.stringify(bound.clientId)})`
  const expected = 'none, or a listener with tls.ca, for no other asks for certificates'
  return [{ variable: layers.nameOf(['manifest']), found, expected }]
}

/** Authorities that vouch for client certificates. */
function authoritiesOf(listeners: readonly ListenerOptions[]): string[] {
  // The content of files was read as text.
  return [...new Set(listeners.flatMap(({ tls }) => (typeof tls?.ca === 'string' ? [tls.ca] : [])))]
}

function authenticationOf(given: {
  method: AuthenticationSettings['method']
  tokenSecretFile?: readonly string[] | undefined
  tokenSecret?: string | undefined
  jwksFile?: KeySet | undefined
  jwksUrl?: string | undefined
  jwksCa?: string | undefined
  audience?: readonly string[] | undefined
  issuers?: readonly string[] | undefined
  certificateRequiredFor?: readonly string[] | undefined
}): AuthenticationSettings {
  const { certificateRequiredFor } = given
  const { method, tokenSecretFile = [], tokenSecret, jwksFile, jwksUrl, jwksCa, audience, issuers } = given
  if (method !== 'token') return { method }
  const keys = jwksFile ?? (jwksUrl === undefined ? undefined : { url: jwksUrl, ca: jwksCa })
  return {
    method,
    secrets: tokenSecret === undefined ? tokenSecretFile : [tokenSecret],
    ...(keys === undefined ? {} : { keys }),
    ...(audience === undefined ? {} : { audience }),
    ...(issuers === undefined ? {} : { issuers }),
    ...(certificateRequiredFor === undefined ? {} : { certificateRequiredFor }),
  }
}
