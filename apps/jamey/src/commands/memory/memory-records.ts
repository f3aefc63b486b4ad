import type { MemoryLayer, MemoryScope } from '@jamey/contracts'
import { withBus } from '../../client/connection.js'
import type { ClientOptions } from '../../client/connection-target.js'
import { contractIn } from '../../client/memory-reach.js'
import { EXIT } from '../../support/exit-codes.js'
import { CommandFailure } from '../../support/failure.js'
import { given } from '../../support/given.js'
import { jsonObjectOf } from '../../support/json-object.js'
import type { CommandContext, Outcome } from '../../terminal/command-context.js'
import { readTextFile } from '../../terminal/text-input.js'
import { viewOf } from '../../terminal/view.js'
import { formatDetails, formatHistory } from '../../views/memory-details.js'

export interface RecordOptions extends ClientOptions {
  readonly others?: boolean
  readonly timeout: number
}

export interface HistoryOptions extends RecordOptions {
  readonly limit: number
  readonly cursor?: string
}

export interface UpdateOptions extends RecordOptions {
  readonly tag?: string[] | false
  /** JSON. */
  readonly metadata?: string
  readonly importance?: number
  readonly layer?: MemoryLayer
  readonly scope?: MemoryScope
  /** Of these `none` takes away what was there. */
  readonly session?: string
  readonly validFrom?: string
  readonly validTo?: string
  readonly expires?: string
  readonly untrusted?: boolean
  readonly ifVersion?: number
}

/** Prints one memory with all that is known of it. */
export async function getMemory(context: CommandContext, id: string, options: RecordOptions): Outcome {
  const { memory } = await withBus(context, options, (bus) =>
    bus.request(contractIn(bus, 'get', options), { id }, callOf(context, options)),
  )
  if (memory === null) throw noSuchMemory(id)
  if (options.json) context.terminal.printJson({ memory })
  else context.terminal.print(formatDetails(memory, viewOf(context)))
  return EXIT.success
}

/** Prints one memory as it is, and as it was before each change. */
export async function memoryHistory(context: CommandContext, id: string, options: HistoryOptions): Outcome {
  const { limit, cursor } = options
  const history = await withBus(context, options, (bus) =>
    bus.request(
      contractIn(bus, 'history', options),
      { id, limit, ...given({ cursor }) },
      callOf(context, options),
    ),
  )
  if (history.versions.length === 0) throw noSuchMemory(id)
  if (options.json) context.terminal.printJson(history)
  else context.terminal.print(formatHistory(history, viewOf(context)))
  return EXIT.success
}

/** Changes one memory; what it was stays in its history. */
export async function updateMemory(
  context: CommandContext,
  id: string,
  text: string | undefined,
  options: UpdateOptions,
): Outcome {
  const content = text === '-' ? (await readTextFile(context, '-')).trimEnd() : text
  const { tag, metadata, importance, layer, scope, session, expires, untrusted, ifVersion } = options
  const changes = given({
    content,
    tags: tag === false ? [] : tag,
    metadata: metadata === undefined ? undefined : jsonObjectOf('--metadata', metadata),
    importance,
    layer,
    scope,
    session_id: orNone(session),
    valid_from: orNone(options.validFrom),
    valid_to: orNone(options.validTo),
    expires_at: orNone(expires),
    trusted: untrusted === true ? (false as const) : undefined,
  })
  if (Object.keys(changes).length === 0) {
    throw new CommandFailure('what is to change? give a text, or at least one option', {
      code: 'change-missing',
      exitCode: EXIT.usage,
      hint: '`jamey memory update --help` lists them',
    })
  }
  const updated = await withBus(context, options, (bus) =>
    bus.request(
      contractIn(bus, 'update', options),
      { id, ...changes, ...given({ if_version: ifVersion }) },
      callOf(context, options),
    ),
  )
  const { terminal } = context
  if (options.json) terminal.printJson(updated)
  else {
    const { memory, previous_version: before } = updated
    const versions = `version ${memory.version}, after ${before}`
    terminal.print(
      `${terminal.colors.green('updated')}  ${versions}\n${formatDetails(memory, viewOf(context))}`,
    )
  }
  return EXIT.success
}

/** As the memory takes it: null where nothing is to be there. */
function orNone(value: string | undefined): string | null | undefined {
  return value === 'none' ? null : value
}

function callOf({ interrupted }: CommandContext, { timeout }: RecordOptions) {
  return { timeoutMs: timeout, signal: interrupted }
}

function noSuchMemory(id: string): CommandFailure {
  return new CommandFailure(`no such memory: ${id}`, {
    code: 'no-such-memory',
    hint: '`jamey recall` prints the ids',
  })
}
