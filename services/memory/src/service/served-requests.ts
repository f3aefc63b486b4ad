import type { Bus, Message, ServedContract } from '@jamey/bus'
import { topics } from '@jamey/contracts'
import type { Origin } from '../model/memory-record.js'
import type { MemoryStorage, Reach } from '../model/memory-storage.js'
import type { RecallCounts } from './recall-counts.js'

/** Client identifiers by the name of their group. */
export type MemoryGroups = ReadonlyMap<string, readonly string[]>

export interface ServedParts {
  readonly bus: Pick<Bus, 'serve'>
  readonly store: MemoryStorage
  readonly groups: MemoryGroups | undefined
  readonly recalls: RecallCounts
  /** Does what only reads, and what changes something, and turns how they fail into the answer. */
  readonly read: <T>(work: () => Promise<T>) => Promise<T>
  readonly change: <T>(work: () => Promise<T>) => Promise<T>
}

/**
 * What one client may have unanswered at a topic. Requests are acknowledged in order, so what one has here stands between
 * the server and everybody's next request; within it senders take turns at the file's threads.
 */
const READS_OF_ONE = { maximumPerSender: 256, maximumBytesPerSender: 1_048_576 } as const
const WRITES_OF_ONE = { maximumPerSender: 1000, maximumBytesPerSender: 4_194_304 } as const
const SERVED_READ = { whenRefused: 'retry', ...READS_OF_ONE } as const
const SERVED_WRITE = { whenRefused: 'retry', ...WRITES_OF_ONE } as const

/** Serves every request that a memory answers: of what is one's own, and of what is others'. */
export function serveMemory(parts: ServedParts): Promise<ServedContract>[] {
  return [...serveOwn(parts), ...serveOthers(parts)]
}

function serveOwn({ bus, store, groups, recalls, read, change }: ServedParts): Promise<ServedContract>[] {
  const { memory } = topics
  const reachOf = ({ principal: { clientId } }: Message<unknown>): Reach => {
    return { owner: clientId, groups: groupsOf(groups, clientId) }
  }
  const originOf = (request: Message<unknown>): Origin => originFrom(request, groups)
  return [
    bus.serve(memory.store, SERVED_WRITE, (request) =>
      change(() => store.store(request.data, originOf(request))),
    ),
    bus.serve(memory.storeBatch, SERVED_WRITE, (request) =>
      change(() => store.storeBatch(request.data.memories, originOf(request))),
    ),
    bus.serve(memory.import, SERVED_WRITE, (request) =>
      change(() => store.importPage(request.data.memories, originOf(request))),
    ),
    bus.serve(memory.update, SERVED_WRITE, (request) =>
      change(() => store.update(request.data, requestIdOf(request), reachOf(request))),
    ),
    bus.serve(memory.forget, SERVED_WRITE, (request) =>
      change(() => store.forget(request.data, requestIdOf(request), reachOf(request))),
    ),
    bus.serve(memory.consolidate, SERVED_WRITE, (request) =>
      change(async () => {
        await noteRecalls(store, recalls)
        return store.consolidate(request.data, reachOf(request))
      }),
    ),
    bus.serve(memory.query, SERVED_READ, async (request, { signal }) => {
      const { data } = request
      const found = await read(() => store.query(data, { signal, reach: reachOf(request) }))
      // A list is no recall: it asks for nothing.
      if (data.count_recall !== false && (data.query ?? '') !== '')
        recalls.note(found.memories.map(({ id }) => id))
      return found
    }),
    bus.serve(memory.get, SERVED_READ, (request) =>
      read(async () => ({ memory: (await store.get(request.data.id, reachOf(request))) ?? null })),
    ),
    bus.serve(memory.history, SERVED_READ, (request) =>
      read(() => store.history(request.data, reachOf(request))),
    ),
    bus.serve(memory.stats, SERVED_READ, (request) => read(() => store.statsOf(reachOf(request)))),
    bus.serve(memory.export, SERVED_READ, (request) =>
      read(() => store.exportPage(request.data, reachOf(request))),
    ),
  ]
}

function serveOthers({ bus, store, groups, read, change }: ServedParts): Promise<ServedContract>[] {
  const { others } = topics.memory
  return [
    bus.serve(others.store, SERVED_WRITE, (request) => {
      const { owner, ...data } = request.data
      return change(() => store.store(data, originFrom(request, groups, owner)))
    }),
    bus.serve(others.storeBatch, SERVED_WRITE, (request) => {
      const memories = request.data.memories.map((one) => ({ ...one, groups: groupsOf(groups, one.owner) }))
      return change(() => store.storeBatch(memories, originFrom(request, groups)))
    }),
    bus.serve(others.update, SERVED_WRITE, (request) =>
      change(() => store.update(request.data, requestIdOf(request))),
    ),
    bus.serve(others.forget, SERVED_WRITE, (request) =>
      change(() => store.forget(request.data, requestIdOf(request))),
    ),
    bus.serve(others.consolidate, SERVED_WRITE, ({ data: { owner, ...data } }) =>
      change(() => store.consolidate(data, owner === undefined ? undefined : { owner, isOwnOnly: true })),
    ),
    bus.serve(others.query, SERVED_READ, ({ data }, { signal }) => read(() => store.query(data, { signal }))),
    bus.serve(others.get, SERVED_READ, ({ data }) =>
      read(async () => ({ memory: (await store.get(data.id)) ?? null })),
    ),
    bus.serve(others.history, SERVED_READ, ({ data }) => read(() => store.history(data))),
    bus.serve(others.stats, SERVED_READ, ({ data: { owner } }) =>
      read(() => store.statsOf(owner === undefined ? undefined : { owner, isOwnOnly: true })),
    ),
  ]
}

/** Brings what was counted to the storage. */
export async function noteRecalls(store: MemoryStorage, recalls: RecallCounts): Promise<void> {
  const counts = recalls.take()
  if (counts !== undefined) await store.recalled?.(counts)
}

function groupsOf(groups: MemoryGroups | undefined, clientId: string): string[] {
  return [...(groups ?? [])].flatMap(([name, members]) => (members.includes(clientId) ? [name] : []))
}

/** A repeat is one only where the same client says so: another that guessed the id does not finish it in its place. */
function requestIdOf({ principal, envelope }: Message<unknown>): string {
  return `${principal.clientId} ${envelope.message_id}`
}

/** Whose memory it becomes, and who stores it: a memory is given to the groups of its owner alone. */
function originFrom(
  { envelope, principal, sender }: Message<unknown>,
  groups: MemoryGroups | undefined,
  owner = principal.clientId,
): Origin {
  return {
    id: envelope.message_id,
    source: principal.clientId,
    storedBy: sender.clientId,
    owner,
    groups: groupsOf(groups, owner),
    sentAtMs: Date.parse(envelope.timestamp),
  }
}
