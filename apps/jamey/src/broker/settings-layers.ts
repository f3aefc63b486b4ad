import { resolve } from 'node:path'
import type { ConfigurationFault } from '@jamey/bus'
import { COMPONENTS } from '@jamey/contracts'
import { CLIENT_COMPONENTS, type DataDirectory, dataFolderAt } from '../install/data-directory.js'
import type { BrokerFile } from './settings-file.js'
import { type BrokerFlags, ROWS, type Row, type SettingPath, textOf } from './settings-table.js'

/** The sources of settings. Options go before the environment, that before the file, that before the folder. */
export interface SettingsSource {
  readonly flags: BrokerFlags
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
  readonly directory?: DataDirectory | undefined
}

const PLAIN_PORT = 1883
/** Nobody connects as the broker itself, which has no certificate. */
const OWN_CLIENTS = [...CLIENT_COMPONENTS, 'broker' as const].map((name) => COMPONENTS[name].clientId)

/** Options of which the word none says that there are none. */
const MAY_BE_NONE: ReadonlySet<keyof BrokerFlags> = new Set(['store', 'stampSenders', 'refuseWhenFull'])

/** All settings in the shape of the file, with those of options and variables laid over it. */
export class Layers {
  readonly value: Record<string, unknown>
  readonly faults: ConfigurationFault[] = []
  /** Name of the configuration file; undefined where there is none. */
  readonly fileName: string | undefined
  /** Names of what said the value of a path, where that is not the file. */
  readonly #sources = new Map<string, string>()

  constructor({ name, value }: BrokerFile) {
    this.fileName = name
    this.value = isMapping(value) ? structuredClone(value) : {}
    if (isMapping(value)) return
    this.faults.push({ variable: name ?? '', found: kindOf(value), expected: 'a mapping of settings' })
  }

  get(path: SettingPath): unknown {
    return path.reduce<unknown>((at, key) => (isContainer(at) ? at[key as never] : undefined), this.value)
  }

  /** Does nothing where something of another shape is in the way, which is told when it is checked. */
  set(path: SettingPath, value: unknown, source: string): void {
    let at: unknown = this.value
    for (const [i, key] of path.slice(0, -1).entries()) {
      if (!isContainer(at)) return
      at[key as never] ??= (typeof path[i + 1] === 'number' ? [] : {}) as never
      at = at[key as never]
    }
    if (!isContainer(at)) return
    at[path.at(-1) as never] = value as never
    this.#sources.set(textOf(path), source)
  }

  remove(path: SettingPath): void {
    const parent = this.get(path.slice(0, -1))
    if (isContainer(parent)) delete parent[path.at(-1) as never]
  }

  /** Name of a setting as a fault calls it: the option, the variable, or the file and the field. */
  nameOf(path: SettingPath): string {
    const text = textOf(path)
    const source = this.#sources.get(text)
    if (source !== undefined) return source
    return this.fileName === undefined ? text : `${this.fileName}: ${text}`
  }

  isFromFile(path: SettingPath): boolean {
    return !this.#sources.has(textOf(path))
  }
}

export function layersOf(source: SettingsSource, file: BrokerFile): Layers {
  const layers = new Layers(file)
  // The folder stands behind the file, so it is looked at when everything else is there.
  for (const each of ROWS) overlay(layers, each, source)
  overlaySecret(layers, source)
  overlayLimits(layers, source)
  if (source.flags.insecure === true) makeInsecure(layers)
  if (source.directory !== undefined) fillFrom(layers, source.directory)
  // A broker for tests leaves nothing behind unless it is told to.
  const isForTests = source.flags.insecure === true && file.name === undefined
  const data = resolve(source.cwd, source.env['JAMEY_DATA_DIR'] || '.jamey/data')
  if (layers.get(['store']) === undefined) {
    layers.set(['store'], isForTests ? 'none' : dataFolderAt(data).brokerStore, 'JAMEY_DATA_DIR')
  }
  if (isForTests && layers.get(['listeners', 0, 'port']) === undefined) {
    layers.set(['listeners', 0, 'port'], PLAIN_PORT, '--port')
  }
  layers.value['listeners'] ??= [{}]
  return layers
}

function overlay(layers: Layers, { path, flag, option, variable, kind }: Row, source: SettingsSource): void {
  const typed = source.flags[flag]
  const value = typed ?? (source.env[variable]?.trim() || undefined)
  if (value === undefined) return
  const name = typed === undefined ? variable : option
  if (kind === 'number') return layers.set(path, numberIn(value), name)
  const isNone = value === 'none' && MAY_BE_NONE.has(flag)
  if (kind === 'list' || kind === 'paths') {
    const entries = isNone ? [] : listIn(String(value))
    const resolved = (entry: string): string => (entry === '' ? '' : resolve(source.cwd, entry))
    return layers.set(path, kind === 'list' ? entries : entries.map(resolved), name)
  }
  const isPath = kind === 'path' && !isNone
  layers.set(path, isPath ? resolve(source.cwd, String(value)) : value, name)
}

function overlaySecret(layers: Layers, { env, flags }: SettingsSource): void {
  const { MQTT_JWT_SECRET: text, MQTT_JWT_SECRET_FILE: path } = env
  if (layers.get(['authentication', 'tokenSecret']) !== undefined) {
    layers.faults.push({
      variable: layers.nameOf(['authentication', 'tokenSecret']),
      found: 'a secret (not shown)',
      expected: 'no secret in this file; tokenSecretFile names the file it stands in',
    })
    layers.remove(['authentication', 'tokenSecret'])
  }
  if (!text || flags.tokenSecretFile !== undefined) return
  if (path) {
    const expected = 'one of MQTT_JWT_SECRET and MQTT_JWT_SECRET_FILE only'
    layers.faults.push({ variable: 'MQTT_JWT_SECRET_FILE', found: 'both', expected })
  }
  layers.remove(['authentication', 'tokenSecretFile'])
  layers.set(['authentication', 'tokenSecret'], text, 'MQTT_JWT_SECRET')
}

function overlayLimits(layers: Layers, { env, flags }: SettingsSource): void {
  const sources: [string, readonly string[]][] = [
    [
      'JAMEY_BROKER_LIMITS',
      (env['JAMEY_BROKER_LIMITS'] ?? '').split(',').filter((text) => text.trim() !== ''),
    ],
    ['--limit', flags.limit ?? []],
  ]
  for (const [source, entries] of sources) {
    for (const entry of entries) {
      const [, name, number] = /^\s*(\w+)\s*=\s*(\S+)\s*$/.exec(entry) ?? []
      if (name !== undefined) layers.set(['limits', name], numberIn(number), `${source} ${name}`)
      else {
        const found = JSON.stringify(entry)
        layers.faults.push({
          variable: source,
          found,
          expected: 'a limit and its number, as connections=500',
        })
      }
    }
  }
}

/** Says what `--insecure` says: no encryption, and nobody is asked who he is. */
function makeInsecure(layers: Layers): void {
  layers.remove(['listeners', 0, 'tls'])
  layers.set(['listeners', 0, 'insecure'], true, '--insecure')
  layers.value['authentication'] = { method: 'none' }
}

/** Adds what is not set otherwise; a certificate goes with its key, wherever that comes from. */
function fillFrom(layers: Layers, directory: NonNullable<SettingsSource['directory']>): void {
  const fill = (path: SettingPath, value: string | readonly string[]): void => {
    if (layers.get(path) === undefined) layers.set(path, value, directory.path)
  }
  const tls = ['listeners', 0, 'tls'] as const
  if (layers.get(['listeners', 0, 'insecure']) !== true) {
    if (layers.get([...tls, 'cert']) === undefined && layers.get([...tls, 'key']) === undefined) {
      fill([...tls, 'cert'], directory.serverCertificate)
      fill([...tls, 'key'], directory.serverKey)
    }
    fill([...tls, 'ca'], directory.caCertificate)
  }
  const method = layers.get(['authentication', 'method']) ?? 'token'
  if (method === 'token' && layers.get(['authentication', 'tokenSecret']) === undefined) {
    fill(['authentication', 'tokenSecretFile'], directory.secret)
  }
  // The parts of the system have certificates of that authority, and nobody else is to become one of them.
  if (method === 'token' && layers.get([...tls, 'ca']) === directory.caCertificate) {
    fill(['authentication', 'certificateRequiredFor'], OWN_CLIENTS)
  }
  fill(['deniedFile'], directory.denied)
  fill(['store'], directory.brokerStore)
}

/** The kind of a value in words, where the content is nobody's business. */
export function kindOf(value: unknown): string {
  if (value === undefined || value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'a mapping' : `${JSON.stringify(value)}`
}

function listIn(text: string): string[] {
  return text.split(',').map((entry) => entry.trim())
}

function numberIn(value: unknown): unknown {
  return typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
}

export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
