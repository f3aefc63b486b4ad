import { type Memory, type MemoryQueryInput, QUERY_CHARACTERS } from '@jamey/contracts'
import {
  BaseStore,
  type GetOperation,
  type Item,
  type ListNamespacesOperation,
  type Operation,
  type OperationResults,
  type PutOperation,
  type SearchItem,
  type SearchOperation,
  validateNamespace,
} from '@langchain/langgraph-checkpoint'
import {
  addressTag,
  forgetAll,
  type KeepingOptions,
  keeping,
  keepNewest,
  memoryAt,
  recalled,
} from '../memory/addressed.js'
import type { AgentMemory } from '../memory/agent-memory.js'
import { MemoryAccessError } from '../model/errors.js'
import { fits, whereOf } from './filter.js'
import { searchedText } from './item-text.js'
import { matchesAll } from './namespaces.js'

export interface JameyStoreOptions extends KeepingOptions {
  /** Paths of the texts that are searched, unless a put names its own; `['$']`, all texts of a value, by default. */
  readonly index?: { readonly fields?: readonly string[] | undefined } | undefined
}

/** The origin of an item, as far as its memory knows it. */
export interface Provenance {
  /** False where it is others' words. */
  readonly trusted: boolean
  /** The client identifier of who stored it, which the broker vouches for. */
  readonly source: string
  readonly origin?: string | undefined
}

export interface KeptItem extends SearchItem {
  readonly provenance: Provenance
}

/** As it lies in the metadata of its memory. */
interface Kept {
  readonly namespace: string[]
  readonly key: string
  readonly value: Item['value']
}

const KIND = 'langgraph'
const TRIES = 3

/**
 * LangGraph's store in a memory: each item is one memory, whose text is what is searched and whose versions stay in its
 * history. Without a query a search lists the newest first; with one it gives what the words of the query are found in,
 * best first. Everything rejects with `MemoryAccessError` where the memory does not do it.
 */
export class JameyStore extends BaseStore {
  readonly #memory: AgentMemory
  readonly #options: JameyStoreOptions

  constructor(memory: AgentMemory, options: JameyStoreOptions = {}) {
    super()
    this.#memory = memory
    this.#options = options
  }

  /** Reads see the store as it was before the batch; of several puts to one item the last one counts. */
  override async batch<Op extends Operation[]>(operations: Op): Promise<OperationResults<Op>> {
    const puts = operations.filter((operation): operation is PutOperation => 'value' in operation)
    for (const { namespace } of puts) validateNamespace(namespace, { allowReservedRoot: true })
    const results = await Promise.all(operations.map((operation) => this.#read(operation)))
    const lastPuts = new Map(puts.map((put) => [JSON.stringify([put.namespace, put.key]), put]))
    for (const put of lastPuts.values()) await this.#put(put)
    return results as OperationResults<Op>
  }

  #read(
    operation: Operation,
  ): Promise<KeptItem | null> | Promise<KeptItem[]> | Promise<string[][]> | undefined {
    if ('value' in operation) return undefined
    if ('key' in operation) return this.#get(operation)
    if ('namespacePrefix' in operation) return this.#search(operation)
    return this.#listNamespaces(operation)
  }

  async #get({ namespace, key }: GetOperation): Promise<KeptItem | null> {
    const found = await memoryAt(this.#memory, this.#itemTag(namespace, key), this.#options)
    return found === undefined ? null : itemOf(found)
  }

  async #search({ namespacePrefix, filter = {}, query, limit = 10, offset = 0 }: SearchOperation) {
    const where = whereOf(filter)
    const asked = {
      ...this.#under(namespacePrefix),
      ...(where === undefined ? {} : { where }),
      ...(query === undefined ? {} : { query: query.slice(0, QUERY_CHARACTERS) }),
    }
    const items = new Map<string, KeptItem>()
    for await (const memory of recalled(this.#memory, asked)) {
      const item = itemOf(memory)
      const address = JSON.stringify([item.namespace, item.key])
      if (items.has(address) || !fits(item.value, filter)) continue
      items.set(address, query === undefined ? item : { ...item, score: memory.score })
      if (items.size >= offset + limit) break
    }
    return [...items.values()].slice(offset, offset + limit)
  }

  async #listNamespaces({
    matchConditions = [],
    maxDepth,
    limit = Number.POSITIVE_INFINITY,
    offset = 0,
  }: ListNamespacesOperation) {
    const found = new Map<string, string[]>()
    // A prefix without a wildcard leaves the rest of the store unread.
    const prefix = matchConditions.find(
      ({ matchType, path }) => matchType === 'prefix' && !path.includes('*'),
    )
    for await (const memory of recalled(this.#memory, this.#under(prefix?.path ?? []))) {
      const { namespace } = keptIn(memory)
      if (!matchesAll(namespace, matchConditions)) continue
      const cut = namespace.slice(0, maxDepth)
      found.set(JSON.stringify(cut), cut)
    }
    const sorted = [...found.values()].sort((one, other) => one.join(':').localeCompare(other.join(':')))
    return sorted.slice(offset, offset + limit)
  }

  async #put({ namespace, key, value, index }: PutOperation): Promise<void> {
    const tag = this.#itemTag(namespace, key)
    if (value === null) {
      await forgetAll(this.#memory, { tags: [tag] })
      return
    }
    const content = searchedText(value, index ?? this.#options.index?.fields)
    const metadata = { langgraph: { namespace, key, value } }
    const { trusted } = this.#options
    for (let tries = 1; ; tries++) {
      const found = await memoryAt(this.#memory, tag, this.#options)
      if (found === undefined) return this.#store(tag, namespace, { content, metadata })
      try {
        await this.#memory.update({
          id: found.id,
          content,
          metadata,
          ...(trusted === false ? { trusted } : {}),
        })
        return
      } catch (error) {
        // Somebody has forgotten it between the two.
        const isGone = error instanceof MemoryAccessError && error.reason === 'memory-unknown'
        if (!isGone || tries >= TRIES) throw error
      }
    }
  }

  async #store(tag: string, namespace: string[], item: Pick<Memory, 'content' | 'metadata'>): Promise<void> {
    const prefixes = namespace.map((_, depth) => this.#prefixTag(namespace.slice(0, depth + 1)))
    const tags = [tag, this.#prefixTag([]), ...prefixes]
    await this.#memory.store({ ...item, ...keeping(this.#options), tags })
    await keepNewest(this.#memory, tag, this.#options)
  }

  #under(prefix: readonly string[]): Pick<MemoryQueryInput, 'tags' | 'scope'> {
    return { tags: [this.#prefixTag(prefix)], scope: this.#options.scope ?? 'private' }
  }

  #itemTag(namespace: readonly string[], key: string): string {
    return addressTag(`${KIND}-item`, [this.#options.namespace ?? '', key, ...namespace])
  }

  #prefixTag(prefix: readonly string[]): string {
    return addressTag(KIND, [this.#options.namespace ?? '', ...prefix])
  }
}

function keptIn({ id, metadata }: Memory): Kept {
  const kept = metadata['langgraph'] as Kept | undefined
  if (kept !== undefined) return kept
  throw new MemoryAccessError('memory-answer-invalid', `Memory ${id} has the tags of an item, and is none.`)
}

function itemOf(memory: Memory): KeptItem {
  const { namespace, key, value } = keptIn(memory)
  const { source, origin } = memory
  return {
    namespace,
    key,
    value,
    createdAt: new Date(memory.created_at),
    updatedAt: new Date(memory.updated_at),
    provenance: { trusted: memory.trusted, source, ...(origin === undefined ? {} : { origin }) },
  }
}
