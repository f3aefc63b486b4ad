import type { Bus } from '@jamey/bus'
import { type MemoryStored, type MemoryStoreInput, topics } from '@jamey/contracts'
import { withBus } from '../../client/connection.js'
import { ownerFor } from '../../client/memory-reach.js'
import { EXIT } from '../../support/exit-codes.js'
import { CommandFailure } from '../../support/failure.js'
import { given } from '../../support/given.js'
import { jsonObjectOf } from '../../support/json-object.js'
import type { CommandContext, Outcome } from '../../terminal/command-context.js'
import { readTextFile } from '../../terminal/text-input.js'
import { viewOf } from '../../terminal/view.js'
import { formatExpiry, formatMemory } from '../../views/memory-view.js'
import { rememberFile } from './remember-file.js'
import type { RememberOptions } from './remember-options.js'

/** Options that mean one text, and those that mean a file. */
const OF_ONE = ['turn', 'supersedes', 'key'] as const
const OF_FILE = ['format', 'prune'] as const

export async function remember(
  context: CommandContext,
  text: string | undefined,
  options: RememberOptions,
): Outcome {
  if ((text === undefined) === (options.file === undefined)) {
    throw new CommandFailure('give a text, or --file PATH', {
      code: text === undefined ? 'text-missing' : 'text-ambiguous',
      exitCode: EXIT.usage,
    })
  }
  const others = options.file === undefined ? OF_FILE : OF_ONE
  const misplaced = others.find((name) => options[name] !== undefined)
  if (misplaced !== undefined) {
    const beside = options.file === undefined ? 'takes --file' : 'is for one text, not for --file'
    throw new CommandFailure(`--${misplaced} ${beside}`, { code: 'option-misplaced', exitCode: EXIT.usage })
  }
  return options.file === undefined
    ? rememberText(context, text ?? '', options)
    : rememberFile(context, options.file, options, attributesOf(options))
}

async function rememberText(context: CommandContext, words: string, options: RememberOptions): Outcome {
  const text = words === '-' ? (await readTextFile(context, '-')).trimEnd() : words
  if (text.trim() === '') {
    throw new CommandFailure('the text is empty: there is nothing to remember', {
      code: 'text-empty',
      exitCode: EXIT.usage,
    })
  }
  const { terminal } = context
  const { turn, supersedes, key, origin } = options
  const memory = {
    content: text,
    ...attributesOf(options),
    ...given({ turn, supersedes, idempotency_key: key, origin }),
  }
  const stored = await withBus(context, options, (bus) => storeOne(bus, memory, context, options))
  const view = viewOf(context)
  if (options.json) terminal.printJson(stored)
  else {
    const word = stored.created ? 'remembered' : 'known already'
    terminal.print(`${terminal.colors.green(word)}  ${formatMemory(stored.memory, view)}`)
    terminal.print(`  ${formatExpiry(stored.memory.expires_at, view.now)}`)
  }
  return EXIT.success
}

function storeOne(
  bus: Bus,
  memory: MemoryStoreInput,
  { interrupted }: CommandContext,
  options: RememberOptions,
): Promise<MemoryStored> {
  const call = { timeoutMs: options.timeout, signal: interrupted }
  const owner = ownerFor(bus, options.for)
  if (owner === undefined) return bus.request(topics.memory.store, memory, call)
  return bus.request(topics.memory.others.store, { ...memory, owner }, call)
}

/** The attributes that options give every memory that is stored, one text or the parts of a file. */
function attributesOf(options: RememberOptions): Omit<MemoryStoreInput, 'content'> {
  const { layer, tag: tags, importance, shared, scope, session, untrusted, metadata, ttl } = options
  return given({
    scope: shared === true ? ('shared' as const) : scope,
    layer,
    tags,
    importance,
    session_id: session,
    trusted: untrusted === true ? false : undefined,
    valid_from: options.validFrom,
    valid_to: options.validTo,
    ttl_seconds: ttl === undefined ? undefined : ttl / 1000,
    metadata: metadata === undefined ? undefined : jsonObjectOf('--metadata', metadata),
  })
}
