import { createPrivateKey } from 'node:crypto'
import { join, resolve } from 'node:path'
import { readKeyFile } from '@jamey/auth'
import { type Bus, type ComponentOptions, ConfigurationError, runComponent } from '@jamey/bus'
import type { Logger } from 'pino'
import type { DurableRecords } from '../approvals/durable-map.js'
import { loadPolicy } from '../policy/policy-file.js'
import { type Conscience, createConscience } from './conscience.js'
import { conscienceOptionsFromEnvironment } from './conscience-environment.js'

/** The kinds of records that a conscience keeps, and the format in which it does. */
export const RECORD_FORMATS = { 'jamey approvals': 1, 'jamey sessions': 1 } as const

export interface RunConscienceOptions extends ComponentOptions {
  readonly log?: Logger | undefined
  /** See `ConscienceOptions`. */
  readonly announcesUnheard?: boolean | undefined
}

export interface RunningConscience {
  readonly bus: Bus
  /** Resolves once requests are taken; rejects where they never can be, with everything closed again. */
  readonly ready: Promise<void>
  /** Reads the policy again; throws `RuleFileError` and keeps the old one where it cannot be used. */
  reload: Conscience['reload']
  /** Drains and closes the service and its bus. */
  stop(options?: { graceMs?: number }): Promise<void>
}

/**
 * A conscience as a process of its own: reads the environment and the policy, connects a bus in the background and
 * serves. Throws `ConfigurationError` or `RuleFileError` before anything is connected.
 */
export async function runConscience(options: RunConscienceOptions = {}): Promise<RunningConscience> {
  const { env = process.env, cwd = process.cwd(), log, announcesUnheard } = options
  const settings = conscienceOptionsFromEnvironment(env)
  const policy = loadPolicy(settings.policyFile === undefined ? undefined : resolve(cwd, settings.policyFile))
  const receiptKey = receiptKeyFrom(settings.receiptKeyFile, cwd)
  const auditFolder = settings.auditFolder && resolve(cwd, settings.auditFolder)
  if (auditFolder === undefined)
    log?.warn(
      { event: 'conscience.audit.absent' },
      'verdicts are not recorded, since JAMEY_AUDIT_DIR is none',
    )
  const component = { name: 'conscience', packageFile: new URL('../../package.json', import.meta.url) }
  const { service, ...running } = await runComponent(component, options, (bus) => {
    const { folder, seconds, consciences } = settings.approvals
    const path = resolve(cwd, folder ?? join(settings.dataFolder, 'approvals', folderNameOf(bus.clientId)))
    const approvals = { open: () => openRecords(path, 'jamey approvals'), seconds, consciences }
    const its = join(settings.dataFolder, 'sessions', folderNameOf(bus.clientId))
    const sessionPath = resolve(cwd, settings.sessionsFolder ?? its)
    const sessions = { open: () => openRecords(sessionPath, 'jamey sessions') }
    return createConscience({
      ...settings,
      auditFolder,
      policy,
      receiptKey,
      approvals,
      sessions,
      announcesUnheard,
      bus,
      log,
    })
  })
  return { ...running, reload: () => service.reload() }
}

/** A client identifier may have what a file system has no room for, or takes for another folder. */
function folderNameOf(clientId: string): string {
  return encodeURIComponent(clientId).replaceAll('.', '%2E')
}

/** Native code, which whoever only judges in process does not need. */
async function openRecords(path: string, kind: keyof typeof RECORD_FORMATS): Promise<DurableRecords> {
  const { openRecordStore } = await import('@jamey/store')
  return openRecordStore({ path, kind, version: RECORD_FORMATS[kind] })
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
    pem = readKeyFile(resolve(cwd, file))
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
