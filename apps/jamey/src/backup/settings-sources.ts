import { existsSync, statSync } from 'node:fs'
import { isAbsolute, join, relative, resolve, sep } from 'node:path'
import { ownPath } from '@jamey/auth'
import { readStorePath } from '../broker/settings.js'
import type { DataDirectory } from '../install/data-directory.js'
import { EXIT } from '../support/exit-codes.js'
import { CommandFailure } from '../support/failure.js'
import { type Source, sourceAt } from './sources.js'

/** Where settings are put in a restored data directory, and data for which it has no place. */
const SETTINGS = 'settings'
const OUTSIDE = 'outside'

/** Variables that name data, and the place that it has in a data directory. */
const DATA: readonly (readonly [variable: string, place: string])[] = [
  ['JAMEY_MEMORY_FILE', 'data/memory.db'],
  ['JAMEY_AUDIT_DIR', 'data/audit'],
  ['JAMEY_APPROVALS_DIR', 'data/approvals/jamey-conscience'],
  ['JAMEY_SESSIONS_DIR', 'data/sessions/jamey-conscience'],
  ['JAMEY_AUTHZ_GRANTS_FILE', 'data/authz-grants'],
  ['MQTT_OUTBOX_DIR', 'data/outbox/client'],
  ['JAMEY_DATA_DIR', 'data'],
]
/** Variables of ours that name files of settings, certificates and secrets. */
const NAMES_FILES = /^(JAMEY|MQTT)_\w+_(FILE|CERT|KEY|CA|CRL|CONFIG)$/

export interface SettingsOptions {
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
  readonly directory: DataDirectory
  /** Further files that belong to the settings. */
  readonly files: readonly string[]
}

/** Data that a variable or the broker's file has put elsewhere than into the data directory. */
export function outsideData({ env, cwd, directory }: SettingsOptions, within: readonly Source[]): Source[] {
  const found = new Map<string, Source>()
  for (const { variable, path, place } of dataPlaces(env, cwd, directory)) {
    if (isWithin(directory.path, path) || !existsSync(path)) continue
    const isTaken = within.some((one) => one.path === place || one.path.startsWith(`${place}/`))
    for (const source of sourceAt(path, isTaken ? `${OUTSIDE}/${variable}` : place)) {
      if (![...found.values()].some(({ from }) => from === source.from)) found.set(source.path, source)
    }
  }
  return [...found.values()]
}

/** The variables by which a restored system would look elsewhere than into its data directory. */
export function variablesElsewhere(env: NodeJS.ProcessEnv, cwd: string, directory: DataDirectory): string[] {
  return dataPlaces(env, cwd, directory)
    .filter(({ path }) => !isWithin(directory.path, path))
    .map(({ variable }) => variable)
}

/** `.env` of the folder, what its variables name outside of the data directory, and `files`. */
export function settingsSources({ env, cwd, directory, files }: SettingsOptions): Source[] {
  const named = Object.entries(env).flatMap(([name, value]) =>
    NAMES_FILES.test(name) && value && !DATA.some(([variable]) => variable === name)
      ? value.split(',').map((path) => resolve(cwd, path.trim()))
      : [],
  )
  const given = files.map((file) => mustBeFile(resolve(cwd, file)))
  const all = new Set([join(cwd, '.env'), ...named, ...given])
  return [...all]
    .filter((path) => isFile(path) && !isWithin(directory.path, path))
    .flatMap((path) => {
      ownPath(path)
      return sourceAt(path, `${SETTINGS}/${placeOf(path, cwd)}`)
    })
}

function dataPlaces(
  env: NodeJS.ProcessEnv,
  cwd: string,
  directory: DataDirectory,
): { variable: string; path: string; place: string }[] {
  const named = DATA.flatMap(([variable, place]) => {
    const value = env[variable]
    return value && value !== 'none' ? [{ variable, path: resolve(cwd, value), place }] : []
  })
  const broker = readStorePath({ flags: {}, env, cwd, directory })
  return broker === undefined
    ? named
    : [...named, { variable: 'JAMEY_BROKER_STORE', path: broker, place: 'data/broker' }]
}

function mustBeFile(path: string): string {
  if (isFile(path)) return path
  throw new CommandFailure(`there is no file ${path}`, {
    code: 'no-such-file',
    exitCode: EXIT.usage,
    hint: 'name the files of settings that are to be kept with --with',
  })
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true
}

function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path)
  return way === '' || !(way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way))
}

/** Below the folder as it lies there; elsewhere with its whole path. */
function placeOf(path: string, cwd: string): string {
  const way = isWithin(cwd, path) ? relative(cwd, path) : path
  return way
    .split(/[\\/]/)
    .filter((name) => name !== '')
    .map((name) => name.replace(':', ''))
    .join('/')
}
