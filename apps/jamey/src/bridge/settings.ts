import { dirname, resolve } from 'node:path'
import { isClientIdentifier, readOwnFile } from '@jamey/auth'
import {
  type BusConfig,
  ConfigurationError,
  type ConfigurationFault,
  configFromEnvironment,
  readEnvironmentFile,
} from '@jamey/bus'
import { parseDocument } from 'yaml'
import { z } from 'zod'
import { type Carried, routeFaults } from './routes.js'

/** What was typed, by the names of the options. */
export interface BridgeFlags {
  readonly config?: string
  /** Each `name=file`. */
  readonly side?: readonly string[]
  /** Each `side:filter`, or `both:filter`. */
  readonly carry?: readonly string[]
  readonly relay?: string
  readonly outbox?: string
  readonly healthPort?: number
}

/** One of the two brokers, and how to connect to it. */
export interface SideSettings {
  readonly name: string
  readonly config: BusConfig
}

export interface BridgeSettings {
  readonly sides: readonly [SideSettings, SideSettings]
  readonly carried: readonly Carried[]
  readonly relays: readonly string[]
  readonly outboxFolder: string
  readonly limits: { readonly messages: number; readonly bytes: number; readonly receiveMaximum: number }
  readonly sessionExpirySeconds: number
  readonly healthPort: number | undefined
}

const MOST_BYTES = 1_048_576
/** A message that fits into no outbox would wait for ever: the largest packet there is. */
const LEAST_OUTBOX_BYTES = 268_435_456

const TWO_SIDES = 'two sides, each a name and a file of MQTT_* variables'

const side = z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/i, 'a name of 1 to 32 letters, digits and hyphens')
const filter = z.string().min(1, 'a topic filter, or $share/<group>/<filter>')
const whole = (what: string, least: number) => z.int(what).min(least, `${what}, ${least} at least`)

const schema = z.strictObject({
  sides: z
    .record(side, z.string().min(1, 'the path of a file with the MQTT_* variables of that side'), TWO_SIDES)
    .refine((all) => Object.keys(all).length === 2, TWO_SIDES),
  carry: z
    .array(
      z.strictObject({
        from: side,
        filters: z.array(filter, 'a list of topic filters').min(1, 'at least one topic filter'),
        qos: z.literal([0, 1, 2], 'the highest QoS: 0, 1 or 2').optional(),
        retained: z.array(filter).optional(),
      }),
      'a list of what is carried, each with from and filters',
    )
    .min(1, 'at least one entry with from and filters'),
  relay: z
    .array(
      z.string().refine((whom) => whom === '+' || isClientIdentifier(whom), 'client identifiers, or + alone'),
    )
    .default([]),
  outbox: z.string('the path of a folder').min(1, 'the path of a folder'),
  sessionDays: whole('days for which the brokers keep what waits', 1).max(365).default(7),
  health: z.strictObject({ port: z.int().min(0).max(65_535) }).optional(),
  limits: z
    .strictObject({
      messages: whole('a number of messages', 1).default(1_000_000),
      bytes: whole('a number of bytes', LEAST_OUTBOX_BYTES).default(4 * LEAST_OUTBOX_BYTES),
      receiveMaximum: whole('a number of messages', 1).max(65_535).default(256),
    })
    .prefault({}),
})

type Given = z.infer<typeof schema>

/** Reads the file, the options before it, and the files of both sides. Throws `ConfigurationError` with every fault. */
export function readBridgeSettings(flags: BridgeFlags, cwd: string): BridgeSettings {
  const { name, folder, value } = readFile(flags.config, cwd)
  const parsed = schema.safeParse(withFlags(value, flags, folder, cwd), { reportInput: true })
  if (!parsed.success) throw new ConfigurationError(faultsOf(parsed.error, name))
  const given = parsed.data
  const [first, second] = Object.entries(given.sides).map(([side, file]) =>
    readSide(side, resolve(folder, file)),
  ) as [SideSettings | ConfigurationError, SideSettings | ConfigurationError]
  const carried = given.carry.flatMap((entry, i) => carriedOf(entry, i, Object.keys(given.sides)))
  const faults = [...faultsIn(first), ...faultsIn(second), ...sideFaults(given)]
  if (!(first instanceof ConfigurationError || second instanceof ConfigurationError)) {
    faults.push(...routeFaults(carried, [first, second]))
    if (faults.length === 0) return settingsOf(given, [first, second], carried, folder)
  }
  throw new ConfigurationError(faults)
}

function settingsOf(
  given: Given,
  sides: BridgeSettings['sides'],
  carried: readonly Carried[],
  folder: string,
): BridgeSettings {
  return {
    sides,
    carried,
    relays: given.relay,
    outboxFolder: resolve(folder, given.outbox),
    limits: given.limits,
    sessionExpirySeconds: given.sessionDays * 86_400,
    healthPort: given.health?.port,
  }
}

/** The path and what stands there; nothing where no file is named. */
function readFile(config: string | undefined, cwd: string): { name: string; folder: string; value: unknown } {
  if (config === undefined) return { name: '', folder: cwd, value: {} }
  const path = resolve(cwd, config)
  const expected = 'a YAML file with the settings of the bridge'
  let text: string
  try {
    text = readOwnFile(path, { maximumBytes: MOST_BYTES })
  } catch (error) {
    throw new ConfigurationError([{ variable: config, found: (error as Error).message, expected }])
  }
  const document = parseDocument(text, { prettyErrors: true })
  const [problem] = [...document.errors, ...document.warnings]
  if (problem !== undefined) {
    throw new ConfigurationError([{ variable: config, found: problem.message, expected: 'YAML' }])
  }
  return { name: config, folder: dirname(path), value: document.toJS({ maxAliasCount: 100 }) ?? {} }
}

/** An option takes the place of what the file says. Paths of options begin in the working folder. */
function withFlags(value: unknown, flags: BridgeFlags, folder: string, cwd: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const inFolder = (path: string): string => (folder === cwd ? path : resolve(cwd, path))
  const pairsOf = (texts: readonly string[], sign: string) =>
    texts.map((text) => [text.split(sign, 1)[0] ?? '', text.slice(text.indexOf(sign) + 1)] as const)
  const sides = flags.side && pairsOf(flags.side, '=').map(([name, file]) => [name, inFolder(file)])
  const carry = flags.carry && pairsOf(flags.carry, ':').map(([from, one]) => ({ from, filters: [one] }))
  return {
    ...value,
    ...(sides === undefined ? {} : { sides: Object.fromEntries(sides) }),
    ...(carry === undefined ? {} : { carry }),
    ...(flags.relay === undefined ? {} : { relay: flags.relay.split(',').map((one) => one.trim()) }),
    ...(flags.outbox === undefined ? {} : { outbox: inFolder(flags.outbox) }),
    ...(flags.healthPort === undefined ? {} : { health: { port: flags.healthPort } }),
  }
}

/** The variables of that file alone: those of the environment are somebody else's connection. */
function readSide(name: string, path: string): SideSettings | ConfigurationError {
  const at = (variable: string): string => `sides.${name}: ${variable}`
  try {
    const config = configFromEnvironment(readEnvironmentFile(path), { cwd: dirname(path) })
    return { name, config }
  } catch (error) {
    if (error instanceof ConfigurationError) {
      return new ConfigurationError(error.faults.map((fault) => ({ ...fault, variable: at(fault.variable) })))
    }
    const { code, message } = error as NodeJS.ErrnoException
    const found = code === undefined ? message : `a path that cannot be read (${message})`
    return new ConfigurationError([
      { variable: at(path), found, expected: 'a file with the MQTT_* variables of that side' },
    ])
  }
}

function faultsIn(side: SideSettings | ConfigurationError): readonly ConfigurationFault[] {
  return side instanceof ConfigurationError ? side.faults : []
}

function sideFaults({ carry, sides }: Given): ConfigurationFault[] {
  const names = [...Object.keys(sides), 'both']
  return carry.flatMap(({ from }, i) =>
    names.includes(from)
      ? []
      : [{ variable: `carry[${i}].from`, found: JSON.stringify(from), expected: names.join(', ') }],
  )
}

function carriedOf(entry: Given['carry'][number], at: number, names: readonly string[]): Carried[] {
  const from = names.flatMap((name, side) => (entry.from === name || entry.from === 'both' ? [side] : []))
  return from.flatMap((side) =>
    entry.filters.map((filter) => ({
      from: side as 0 | 1,
      filter,
      qos: entry.qos,
      retained: entry.retained ?? [],
      where: `carry[${at}]`,
    })),
  )
}

function faultsOf(error: z.ZodError, file: string): ConfigurationFault[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.reduce<string>(
      (text, key) =>
        typeof key === 'number' ? `${text}[${key}]` : text === '' ? String(key) : `${text}.${String(key)}`,
      '',
    )
    const nameOf = (text: string): string => [file, text].filter((part) => part !== '').join(': ')
    if (issue.code === 'unrecognized_keys') {
      const expected = 'sides, carry, relay, outbox, sessionDays, limits, health'
      return issue.keys.map((key) => {
        return { variable: nameOf(path === '' ? key : `${path}.${key}`), found: 'an unknown field', expected }
      })
    }
    const found = issue.input === undefined ? 'nothing' : JSON.stringify(issue.input).slice(0, 80)
    return [{ variable: nameOf(path), found, expected: issue.message }]
  })
}
