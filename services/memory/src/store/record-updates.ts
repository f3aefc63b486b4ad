import { type MemoryUpdated, type MemoryUpdateInput, updateSchema } from '@jamey/contracts'
import { MemoryConflictError, MemoryInputError, MemoryRefusedError } from '../model/errors.js'
import type { LayerLifetimes } from '../model/memory-layers.js'
import {
  checkId,
  type MemoryLimits,
  type MemoryRow,
  memoryFromRow,
  mustBeIn,
  parsed,
  storable,
  textOf,
  textsOf,
  timeOf,
} from '../model/memory-record.js'
import type { Reach } from '../model/memory-storage.js'
import { bounded, metadataFrom, tagsFrom } from '../model/record-checks.js'
import { mayRead } from './reach.js'
import { isGone, type RecordWriter } from './record-writer.js'
import type { StoredRow } from './store-statements.js'

type Update = ReturnType<typeof parsedUpdate>

interface Context {
  readonly nowMs: number
  readonly lifetimes: LayerLifetimes
  readonly limits: MemoryLimits
  readonly reach: Reach | undefined
}

export function parsedUpdate(input: MemoryUpdateInput, requestId: string) {
  checkId('message_id', requestId)
  return parsed(updateSchema, input)
}

/** Changes one memory, inside a transaction; a repeat of the request is answered as it was. */
export function update(
  writer: RecordWriter,
  request: Update,
  requestId: string,
  context: Context,
): MemoryUpdated {
  const { statements } = writer
  const [done] = statements.updateRequest.all(requestId)
  const stored = changeable(statements.byId.all(request.id)[0], request.id, context)
  if (done !== undefined && done.seq === stored.seq) return answered(writer, stored, done.version)
  if (request.if_version !== undefined && request.if_version !== stored.version) {
    throw new MemoryConflictError(
      'memory-version',
      `if_version: ${request.id} has version ${stored.version} and not ${request.if_version}; look at it again`,
      { version: stored.version },
    )
  }
  const next = changed(stored, request, context)
  // What it was stays in the history, so the whole of the next one is more than was there.
  writer.mustFit(stored.owner, next.bytes)
  writer.change(stored, next, context.nowMs)
  statements.insertUpdateRequest.run(requestId, stored.seq, next.version, context.nowMs)
  return { memory: memoryFromRow(next), previous_version: stored.version }
}

function changeable(stored: StoredRow | undefined, id: string, { nowMs, reach }: Context): StoredRow {
  if (stored === undefined || isGone(stored, nowMs) || !mayRead(stored, reach)) {
    throw new MemoryRefusedError('memory-unknown', `id: there is no memory ${id}, or it is not yours to see`)
  }
  if (reach === undefined || stored.owner === storable(reach.owner)) return stored
  throw new MemoryRefusedError('memory-forbidden', `id: ${id} is another's; its owner alone changes it`)
}

function answered({ statements }: RecordWriter, stored: StoredRow, version: number): MemoryUpdated {
  const [then] = stored.version === version ? [] : statements.versions.all(stored.seq, version + 1, 1)
  return { memory: memoryFromRow(then ?? stored), previous_version: version - 1 }
}

function changed(stored: StoredRow, request: Update, context: Context): MemoryRow {
  const { limits, nowMs, reach } = context
  if (request.scope !== undefined) mustBeIn(request.scope, reach?.groups)
  const texts = textsOf(
    request.content === undefined
      ? stored.content
      : bounded('content', request.content, limits.maximumContentCharacters),
    request.tags === undefined ? (JSON.parse(stored.tags) as string[]) : tagsFrom(request.tags, limits),
    request.metadata === undefined ? stored.metadata : metadataFrom(request.metadata, limits),
  )
  const next: MemoryRow = {
    ...stored,
    ...texts,
    stored_hash:
      stored.stored_hash ?? (texts.content_hash === stored.content_hash ? null : stored.content_hash),
    importance: request.importance ?? stored.importance,
    layer: request.layer ?? stored.layer,
    scope: request.scope ?? stored.scope,
    session_id: either(request.session_id, stored.session_id, (text) => textOf('session_id', text)),
    turn: request.session_id === null ? null : stored.turn,
    valid_from: either(request.valid_from, stored.valid_from, timeOf),
    valid_to: either(request.valid_to, stored.valid_to, timeOf),
    expires_at: expiryOf(stored, request, context),
    trusted: request.trusted === false ? 0 : stored.trusted,
    version: stored.version + 1,
    updated_at: nowMs,
  }
  if (next.valid_from !== null && next.valid_to !== null && next.valid_from >= next.valid_to) {
    throw new MemoryInputError('valid_to', 'must be later than valid_from')
  }
  return next
}

/** Null takes away what was, and what is not given stays. */
function either<From, To>(given: From | null | undefined, was: To | null, read: (given: From) => To | null) {
  if (given === undefined) return was
  return given === null ? null : read(given)
}

function expiryOf(stored: MemoryRow, { expires_at, layer }: Update, { nowMs, lifetimes }: Context) {
  if (expires_at === null) return null
  if (expires_at !== undefined) {
    const atMs = Date.parse(expires_at)
    if (atMs > nowMs) return atMs
    throw new MemoryInputError('expires_at', `must lie ahead; found ${expires_at}`)
  }
  if (layer === undefined || layer === stored.layer) return stored.expires_at
  const seconds = lifetimes[layer]
  return seconds === null ? null : nowMs + seconds * 1000
}
