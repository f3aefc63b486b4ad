import { basename } from 'node:path'
import type { Bus } from '@jamey/bus'
import { type MemoryLayer, type MemoryStored, type MemoryStoreInput, topics } from '@jamey/contracts'
import { withBus } from '../client/connection.js'
import type { ClientOptions } from '../client/connection-target.js'
import { ownerFor } from '../client/memory-reach.js'
import { contentId } from '../support/content-id.js'
import { EXIT } from '../support/exit-codes.js'
import { CommandFailure, reportOf } from '../support/failure.js'
import { plural } from '../support/quantities.js'
import { markdownPieces } from '../support/text-pieces.js'
import type { CommandContext, Outcome } from '../terminal/command-context.js'
import { progressOn } from '../terminal/progress.js'
import { readTextFile } from '../terminal/text-input.js'
import { formatExpiry, formatMemory } from '../views/memory-view.js'

export interface RememberOptions extends ClientOptions {
  readonly file?: string
  readonly layer?: MemoryLayer
  readonly tag?: string[]
  readonly importance?: number
  readonly shared?: boolean
  /** The client identifier of whose memory it is to be. */
  readonly for?: string
  readonly timeout: number
}

/** Number of paragraphs that are on their way at once. */
const PIPELINE = 64
/** A paragraph whose answer was lost is sent again under the same identifier, which stores it once. */
const ATTEMPTS = 3
/** Kinds of refusal that the memory gives for one paragraph and not for all that come after it. */
const OF_ONE_PARAGRAPH: ReadonlySet<string> = new Set(['invalid-request', 'memory-conflict', 'memory-gone'])

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
  return options.file === undefined
    ? rememberText(context, text ?? '', options)
    : rememberFile(context, options.file, options)
}

async function rememberText(context: CommandContext, text: string, options: RememberOptions): Outcome {
  if (text.trim() === '') {
    throw new CommandFailure('the text is empty: there is nothing to remember', {
      code: 'text-empty',
      exitCode: EXIT.usage,
    })
  }
  const { terminal, interrupted } = context
  const stored = await withBus(context, options, (bus) =>
    storeFor(bus, { content: text, ...attributesOf(options) }, options, { signal: interrupted }),
  )
  const view = { colors: terminal.colors, columns: terminal.columns, now: context.now() }
  if (options.json) terminal.printJson(stored)
  else {
    terminal.print(`${terminal.colors.green('remembered')}  ${formatMemory(stored.memory, view)}`)
    terminal.print(`  ${formatExpiry(stored.memory.expires_at, view.now)}`)
  }
  return EXIT.success
}

async function rememberFile(context: CommandContext, path: string, options: RememberOptions): Outcome {
  const { terminal } = context
  const paragraphs = markdownPieces(await readTextFile(context, path)).map(({ content }) => content)
  if (paragraphs.length === 0) {
    throw new CommandFailure(`${path} holds no text`, { code: 'file-empty', exitCode: EXIT.usage })
  }
  const progress = progressOn(terminal, paragraphs.length, options.json === true)
  const startedAt = performance.now()
  const tally = { stored: 0, known: 0 }
  const refused: RefusedParagraph[] = []
  let expiresAt: string | null = null
  try {
    await withBus(context, options, (bus) =>
      storeAll(
        paragraphs,
        (paragraph, i) => storeOne(bus, context, { paragraph, i, path }, options),
        (answer) => {
          progress.step()
          if ('refusal' in answer) {
            refused.push(answer)
            return
          }
          tally[answer.created ? 'stored' : 'known'] += 1
          expiresAt = answer.memory.expires_at
          if (options.json) terminal.printJson(answer)
        },
      ),
    )
  } catch (error) {
    progress.stop()
    const done = tally.stored + tally.known
    if (done > 0 && !options.json)
      terminal.note(
        `${done} of ${paragraphs.length} paragraphs were stored before this; repeating the command stores the rest.`,
      )
    throw error
  }
  progress.stop()
  if (!options.json) {
    terminal.print(summary(path, tally, performance.now() - startedAt))
    if (tally.stored + tally.known > 0) terminal.print(formatExpiry(expiresAt, context.now()))
  }
  if (refused.length > 0) throw refusalOfAll(refused, paragraphs.length)
  return EXIT.success
}

/** A paragraph that the memory takes neither now nor later; the others are stored all the same. */
interface RefusedParagraph {
  /** Number of the paragraph from 1, as a person counts. */
  readonly paragraph: number
  readonly refusal: string
}

/** Number of refusals that are told in words; a file that is no text would fill the screen. */
const TOLD = 5

function refusalOfAll(refused: readonly RefusedParagraph[], total: number): CommandFailure {
  const sorted = refused.toSorted((a, b) => a.paragraph - b.paragraph)
  const told = sorted.slice(0, TOLD).map(({ paragraph, refusal }) => `paragraph ${paragraph}: ${refusal}`)
  const more = sorted.length > TOLD ? [`and ${sorted.length - TOLD} more`] : []
  return new CommandFailure(
    `${sorted.length} of ${total} paragraphs were refused: ${[...told, ...more].join('; ')}`,
    {
      code: 'paragraphs-refused',
      hint: 'the others are stored; correct these and repeat the command, which stores nothing twice',
    },
  )
}

/** `stored 41 paragraphs of NOTES.md in 0.3 s (2 were known already)` */
export function summary(path: string, tally: { stored: number; known: number }, elapsedMs: number): string {
  const name = path === '-' ? 'standard input' : basename(path)
  const known = tally.known === 0 ? '' : ` (${tally.known.toLocaleString('en-US')} known already)`
  return `stored ${plural(tally.stored, 'paragraph', 'paragraphs')} of ${name} in ${(elapsedMs / 1000).toFixed(1)} s${known}`
}

/** Keeps `PIPELINE` paragraphs on their way; the first failure that is not one paragraph's stops taking new ones and is thrown. */
export async function storeAll(
  paragraphs: readonly string[],
  store: (paragraph: string, index: number) => Promise<MemoryStored | RefusedParagraph>,
  onAnswer: (answer: MemoryStored | RefusedParagraph) => void,
): Promise<void> {
  let next = 0
  let failure: { error: unknown } | undefined
  const lane = async () => {
    while (failure === undefined && next < paragraphs.length) {
      const index = next++
      try {
        onAnswer(await store(paragraphs[index] ?? '', index))
      } catch (error) {
        failure ??= { error }
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(PIPELINE, paragraphs.length) }, lane))
  if (failure !== undefined) throw failure.error
}

async function storeOne(
  bus: Bus,
  { interrupted }: CommandContext,
  { paragraph, i, path }: { paragraph: string; i: number; path: string },
  options: RememberOptions,
): Promise<MemoryStored | RefusedParagraph> {
  const attributes = attributesOf(options)
  const messageId = contentId({
    owner: ownerFor(bus, options.for) ?? bus.clientId,
    content: paragraph,
    layer: attributes.layer,
    tags: attributes.tags ?? [],
    importance: attributes.importance,
  })
  const source = path === '-' ? {} : { file: basename(path) }
  for (let attempt = 1; ; attempt++) {
    try {
      const metadata = { ...source, paragraph: i + 1 }
      const memory = { content: paragraph, ...attributes, metadata }
      return await storeFor(bus, memory, options, { messageId, signal: interrupted })
    } catch (error) {
      const { code, message, retryable } = reportOf(error)
      if (OF_ONE_PARAGRAPH.has(code)) return { paragraph: i + 1, refusal: message }
      if (attempt === ATTEMPTS || interrupted.aborted || retryable !== true) throw error
    }
  }
}

function storeFor(
  bus: Bus,
  memory: MemoryStoreInput,
  { for: given, timeout }: RememberOptions,
  identity: { messageId?: string; signal: AbortSignal },
): Promise<MemoryStored> {
  const options = { timeoutMs: timeout, ...identity }
  const owner = ownerFor(bus, given)
  if (owner === undefined) return bus.request(topics.memory.store, memory, options)
  return bus.request(topics.memory.others.store, { ...memory, owner }, options)
}

function attributesOf({
  layer,
  tag,
  importance,
  shared,
}: RememberOptions): Omit<MemoryStoreInput, 'content'> {
  return {
    ...(shared === true ? { scope: 'shared' } : {}),
    ...(layer === undefined ? {} : { layer }),
    ...(tag === undefined ? {} : { tags: tag }),
    ...(importance === undefined ? {} : { importance }),
  }
}
