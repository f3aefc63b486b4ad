import { basename, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Memory, type MemoryStoreInput, storeSchema } from '@jamey/contracts'
import { withBus } from '../../client/connection.js'
import { contractIn, forgetIn, ownerFor } from '../../client/memory-reach.js'
import { EXIT } from '../../support/exit-codes.js'
import { CommandFailure } from '../../support/failure.js'
import {
  firstRefusals,
  formatOf,
  type MemoryPiece,
  memoryPieces,
  type RefusedPiece,
} from '../../support/memory-pieces.js'
import { changesOf, type TextChanges } from '../../support/text-changes.js'
import type { CommandContext, Outcome } from '../../terminal/command-context.js'
import { type Progress, progressOn } from '../../terminal/progress.js'
import { readTextFile } from '../../terminal/text-input.js'
import { type FileTally, formatFileTally } from '../../views/file-tally.js'
import { formatExpiry } from '../../views/memory-view.js'
import { PieceStore, type StoredMemory } from './piece-store.js'
import type { RememberOptions } from './remember-options.js'

type Attributes = Omit<MemoryStoreInput, 'content'>
type Changes = TextChanges<MemoryPiece, StoredMemory>

/**
 * Brings the memory to what a file says: what is the same stays as it is, what was edited becomes a new version, what is
 * new is stored, and what is gone is forgotten where that is said. Stopped on the way, the same again does the rest.
 */
export async function rememberFile(
  context: CommandContext,
  path: string,
  options: RememberOptions,
  attributes: Attributes,
): Outcome {
  const { terminal } = context
  const format = options.format ?? formatOf(path)
  const pieces = memoryPieces(await readTextFile(context, path), format).map(checked)
  if (pieces.length === 0) {
    throw new CommandFailure(`${path} holds no text`, { code: 'file-empty', exitCode: EXIT.usage })
  }
  const refused = pieces.filter((piece): piece is RefusedPiece => 'refusal' in piece)
  const sound = pieces.filter((piece): piece is MemoryPiece => !('refusal' in piece))
  const origin = originOf(context, path, options)
  const tally: FileTally = { unchanged: 0, updated: 0, new: 0, gone: 0, pruned: 0 }
  let last: Memory | undefined
  const startedAt = performance.now()
  await withBus(context, options, async (bus) => {
    const store = new PieceStore(bus, context, {
      timeoutMs: options.timeout,
      owner: ownerFor(bus, options.for),
      update: contractIn(bus, 'update', { owner: options.for }),
      query: contractIn(bus, 'query', { owner: options.for }),
      forget: forgetIn(bus, { owner: options.for }, true).contract,
    })
    const known = origin === undefined ? [] : await store.known(origin)
    const changes = changesOf(sound, known)
    const progress = progressOn(terminal, workOf(changes, options), options.json === true)
    const work = {
      store,
      progress,
      tally,
      refused,
      print: (answer: object) => printed(context, options, answer),
    }
    try {
      last = await carryOut(work, changes, {
        attributes,
        isPruned: options.prune === true,
        base: {
          ...(origin === undefined ? {} : { origin }),
          file: path === '-' ? undefined : basename(path),
        },
      })
    } catch (error) {
      progress.stop()
      tellRest(context, tally, options)
      throw error
    }
    progress.stop()
  })
  const file = path === '-' ? 'standard input' : basename(path)
  if (options.json) terminal.printJson({ file, ...tally, refused: refused.length })
  else {
    terminal.print(formatFileTally(file, tally, performance.now() - startedAt))
    if (last !== undefined) terminal.print(formatExpiry(last.expires_at, context.now()))
  }
  const word = format === 'json-lines' ? 'line' : 'paragraph'
  if (refused.length > 0) throw refusalOfAll(refused, pieces.length, word)
  return EXIT.success
}

/** A batch is refused as a whole where one of it is none. */
function checked(piece: MemoryPiece | RefusedPiece): MemoryPiece | RefusedPiece {
  if ('refusal' in piece) return piece
  const { content, number, attributes } = piece
  const parsed = storeSchema.safeParse({ content, ...attributes })
  if (parsed.success) return piece
  const [issue] = parsed.error.issues
  const where = issue === undefined || issue.path.length === 0 ? '' : `${issue.path.join('.')}: `
  return { number, refusal: `${where}${issue?.message ?? 'it is not acceptable'}` }
}

/** The origin by which the next run of the command finds the parts of this file; undefined where nothing names it. */
function originOf({ cwd }: CommandContext, path: string, { origin }: RememberOptions): string | undefined {
  return origin ?? (path === '-' ? undefined : pathToFileURL(resolve(cwd, path)).href)
}

function workOf({ edited, added, gone }: Changes, { prune }: RememberOptions): number {
  return edited.length + added.length + (prune === true ? gone.length : 0)
}

interface Work {
  readonly store: PieceStore
  readonly progress: Progress
  readonly tally: FileTally
  readonly refused: RefusedPiece[]
  readonly print: (answer: object) => void
}

interface Plan {
  /** Said by the options of every part. */
  readonly attributes: Attributes
  readonly base: { readonly origin?: string; readonly file: string | undefined }
  readonly isPruned: boolean
}

/** The last memory that was stored, which tells how long they are kept. */
async function carryOut(work: Work, changes: Changes, plan: Plan): Promise<Memory | undefined> {
  const { store, tally, print } = work
  const { unchanged, edited, added, gone } = changes
  const differing = unchanged.flatMap(({ piece, stored }) => {
    const change = differenceOf(stored.memory, attributesFor(piece, plan))
    return change === undefined ? [] : [{ id: stored.id, ...change }]
  })
  tally.unchanged += unchanged.length - differing.length
  const rewritten = edited.map(({ piece, stored }) => ({
    id: stored.id,
    content: piece.content,
    ...differenceOf(stored.memory, attributesFor(piece, plan)),
    metadata: { ...stored.memory.metadata, ...attributesFor(piece, plan).metadata },
    number: piece.number,
  }))
  let last: Memory | undefined
  await store.updateAll([...differing, ...rewritten], (answer) => {
    work.progress.step()
    if ('refusal' in answer) work.refused.push(answer)
    else {
      tally.updated += 1
      print(answer)
    }
  })
  const fresh = added.map((piece) => ({
    number: piece.number,
    memory: { content: piece.content, ...attributesFor(piece, plan) },
  }))
  await store.storeAll(fresh, (answer) => {
    work.progress.step()
    if ('refusal' in answer) {
      work.refused.push(answer)
      return
    }
    last = answer.memory
    tally[answer.created ? 'new' : 'unchanged'] += 1
    if (answer.created) print(answer)
  })
  if (plan.isPruned) tally.pruned = await store.forget(gone.map(({ id }) => id))
  tally.gone = gone.length - tally.pruned
  return last
}

/** The attributes of a part: those of the file before those of the options. */
function attributesFor({ attributes }: MemoryPiece, { attributes: common, base }: Plan): Attributes {
  const { origin, file } = base
  const metadata = { ...(file === undefined ? {} : { file }), ...common.metadata, ...attributes.metadata }
  return { ...(origin === undefined ? {} : { origin }), ...common, ...attributes, metadata }
}

/** The changes by which a memory has what is said now; undefined where it has it all. */
function differenceOf(memory: Memory, wanted: Attributes): Record<string, unknown> | undefined {
  const { tags, layer, importance, scope, session_id, valid_from, valid_to, trusted } = wanted
  const change: Record<string, unknown> = {}
  const plain = { layer, importance, scope, session_id }
  for (const [name, value] of Object.entries(plain)) {
    if (value !== undefined && value !== memory[name as keyof typeof plain]) change[name] = value
  }
  for (const [name, value] of Object.entries({ valid_from, valid_to })) {
    const before = memory[name as 'valid_from' | 'valid_to'] ?? ''
    if (value !== undefined && Date.parse(before) !== Date.parse(value)) change[name] = value
  }
  if (tags?.some((tag) => !memory.tags.includes(tag)))
    change['tags'] = [...new Set([...memory.tags, ...tags])]
  if (trusted === false && memory.trusted) change['trusted'] = false
  return Object.keys(change).length === 0 ? undefined : change
}

function printed({ terminal }: CommandContext, { json }: RememberOptions, answer: object): void {
  if (json) terminal.printJson(answer)
}

function tellRest({ terminal }: CommandContext, tally: FileTally, { json }: RememberOptions): void {
  const done = tally.updated + tally.new
  if (done === 0 || json) return
  terminal.note(`${done} were stored before this; repeating the command stores the rest`)
}

function refusalOfAll(refused: readonly RefusedPiece[], total: number, word: string): CommandFailure {
  return new CommandFailure(
    `${refused.length} of ${total} ${word}s were refused: ${firstRefusals(refused, word)}`,
    { code: `${word}s-refused`, hint: 'the others are stored; correct these and repeat the command' },
  )
}
