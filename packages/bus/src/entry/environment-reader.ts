import { join, resolve } from 'node:path'
import { OwnershipError, readOwnFile } from '@jamey/auth'
import { isTopicFilter } from '@jamey/protocol'
import { ConfigurationError, type ConfigurationFault } from '../support/errors.js'
import { readEnvironmentFile } from './environment-file.js'

type Environment = Readonly<Record<string, string | undefined>>

/** Far more than any certificate bundle or secret has; a device or a wrong file is noticed before it fills memory. */
const MAXIMUM_FILE_BYTES = 4 * 1024 * 1024

/** Reads variables and collects what is wrong with them, so that everything is told at once. */
export class EnvironmentReader {
  readonly #cwd: string
  readonly #variables: Environment
  readonly #faults: ConfigurationFault[] = []

  /** The variables of `.env` in `cwd` stand behind those of `env`. */
  constructor(env: Environment, cwd: string) {
    this.#cwd = cwd
    this.#variables = { ...this.#readDotEnv(), ...withoutEmpty(env) }
  }

  /** The variable's value; undefined where it is not set or empty, as templates of `.env` leave it. */
  text(variable: string): string | undefined {
    const value = this.#variables[variable]?.trim()
    return value === '' ? undefined : value
  }

  /** Texts between commas; at least one, and none of them empty. */
  list(variable: string): readonly string[] | undefined {
    const text = this.text(variable)
    if (text === undefined) return undefined
    const entries = text.split(',').map((entry) => entry.trim())
    if (!entries.includes('')) return entries
    return this.fault(variable, quote(text), 'one or several texts with commas between them')
  }

  /** Topic filters, as `list`; none of them is shared. */
  filters(variable: string): readonly string[] | undefined {
    const filters = this.list(variable)
    const wrong = filters?.find((filter) => !isTopicFilter(filter) || filter.startsWith('$'))
    if (wrong === undefined) return filters
    return this.fault(variable, quote(wrong), 'MQTT topic filters, not below $, with commas between them')
  }

  integer(variable: string, range: { minimum: number; maximum: number; unit: string }): number | undefined {
    const text = this.text(variable)
    if (text === undefined) return undefined
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= range.minimum && value <= range.maximum) return value
    return this.fault(
      variable,
      quote(text),
      `a whole number of ${range.unit} from ${range.minimum} to ${range.maximum}`,
    )
  }

  flag(variable: string): boolean | undefined {
    const text = this.text(variable)?.toLowerCase()
    if (text === undefined) return undefined
    if (text === 'true' || text === '1') return true
    if (text === 'false' || text === '0') return false
    return this.fault(variable, quote(text), 'true or false')
  }

  /** One of the words that `meanings` has, in small letters there. */
  choice<Value>(variable: string, meanings: Readonly<Record<string, Value>>): Value | undefined {
    const text = this.text(variable)
    if (text === undefined) return undefined
    const word = text.toLowerCase()
    if (Object.hasOwn(meanings, word)) return meanings[word]
    return this.fault(variable, quote(text), Object.keys(meanings).join(', '))
  }

  /** The path that the variable holds, taken from the working directory. */
  path(variable: string): string | undefined {
    const text = this.text(variable)
    return text === undefined ? undefined : resolve(this.#cwd, text)
  }

  /** The content of the file that the variable names, its path taken from the working directory. */
  file(variable: string, expected: string, options: { isSecret: boolean }): string | undefined {
    const text = this.text(variable)
    if (text === undefined) return undefined
    const path = resolve(this.#cwd, text)
    try {
      return readOwnFile(path, { ...options, maximumBytes: MAXIMUM_FILE_BYTES })
    } catch (error) {
      if (error instanceof OwnershipError) return this.fault(variable, error.message, expected)
      const code = (error as NodeJS.ErrnoException).code ?? 'an error'
      return this.fault(variable, `${quote(text)}, which cannot be read (${code}: ${path})`, expected)
    }
  }

  /** Notes a fault; returns undefined, in the place of the value. `found` must not show a secret. */
  fault(variable: string, found: string, expected: string): undefined {
    this.#faults.push({ variable, found, expected })
    return undefined
  }

  /** Throws `ConfigurationError` where there was any fault. */
  assertFaultless(): void {
    if (this.#faults.length > 0) throw new ConfigurationError(this.#faults)
  }

  #readDotEnv(): Environment {
    const path = join(this.#cwd, '.env')
    try {
      return withoutEmpty(readEnvironmentFile(path))
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      const found =
        error instanceof OwnershipError ? error.message : `${path}, which cannot be read (${code})`
      if (code !== 'ENOENT') this.fault('.env', found, 'a readable file, or none')
      return {}
    }
  }
}

/** `text` in quotes, cut where it is long. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text)
}

/** An empty variable must not hide the one that `.env` sets. */
function withoutEmpty(env: Environment): Environment {
  return Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value.trim() !== ''),
  )
}
