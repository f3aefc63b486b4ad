import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { readOwnFile } from '@jamey/auth'
import { type Bus, type BusConfig, ConfigurationError, configFromEnvironment, connectBus } from '@jamey/bus'
import type { Logger } from 'pino'
import { loadRules } from '../rules/rule-file.js'
import { type Conscience, createConscience } from './conscience.js'
import { conscienceOptionsFromEnvironment } from './conscience-environment.js'

/** Many times what such a key takes. */
const MAXIMUM_KEY_BYTES = 10_000

export interface RunConscienceOptions {
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** Where `.env` and relative paths are looked up. */
  readonly cwd?: string | undefined
  readonly log?: Logger | undefined
  /** Where published messages outlive the process; closed with the bus. */
  readonly store?: BusConfig['store'] | undefined
}

export interface RunningConscience {
  readonly bus: Bus
  /** Resolves once requests are taken; rejects where they never can be, with everything closed again. */
  readonly ready: Promise<void>
  /** Reads the rule file again; throws `RuleFileError` and keeps the old rules when it cannot be used. */
  reload: Conscience['reload']
  /** Drains and closes the service and its bus. */
  stop(options?: { graceMs?: number }): Promise<void>
}

/**
 * A conscience as a process of its own: reads the environment and the rules, connects a bus in the background and
 * serves. Throws `ConfigurationError` or `RuleFileError` before anything is connected.
 */
export async function runConscience({
  env = process.env,
  cwd = process.cwd(),
  log,
  store,
}: RunConscienceOptions = {}): Promise<RunningConscience> {
  const options = conscienceOptionsFromEnvironment(env)
  const rulesFile = options.rulesFile === undefined ? undefined : resolve(cwd, options.rulesFile)
  const rules = loadRules(rulesFile)
  const receiptKey = receiptKeyFrom(options.receiptKeyFile, cwd)
  const component = { name: 'conscience', version: ownVersion() }
  const config = configFromEnvironment(env, { component, cwd })
  const bus = await connectBus({
    ...config,
    component,
    waitForConnection: false,
    ...(log === undefined ? {} : { log }),
    ...(store === undefined ? {} : { store }),
  })
  const conscience = createConscience({ ...options, rules, receiptKey, bus, log })
  const ready = conscience.start().catch(async (error: unknown) => {
    await bus.close({ drain: false })
    throw error
  })
  // Whoever awaits `ready` still gets the error; unawaited it must not end the process.
  ready.catch(() => {})
  return {
    bus,
    ready,
    reload: () => conscience.reload(),
    stop: async ({ graceMs = 5000 } = {}) => {
      await conscience.stop({ graceMs })
      await bus.close({ drain: true, timeoutMs: graceMs })
    },
  }
}

/** Throws `ConfigurationError` for a file that is no Ed25519 private key of this user's alone. */
function receiptKeyFrom(file: string | undefined, cwd: string): string | undefined {
  if (file === undefined) return undefined
  const fault = (found: string): ConfigurationError => {
    const expected = 'an Ed25519 private key, PKCS #8 in PEM, as openssl genpkey -algorithm ed25519 makes it'
    return new ConfigurationError([{ variable: 'JAMEY_RECEIPT_KEY_FILE', found, expected }])
  }
  let pem: string
  try {
    pem = readOwnFile(resolve(cwd, file), { isSecret: true, maximumBytes: MAXIMUM_KEY_BYTES })
  } catch (error) {
    throw fault((error as Error).message)
  }
  let kind: string | undefined
  try {
    kind = createPrivateKey(pem).asymmetricKeyType
  } catch {
    throw fault('no private key')
  }
  if (kind !== 'ed25519') throw fault(`a key of type ${kind}`)
  return pem
}

function ownVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return (manifest as { version: string }).version
}
