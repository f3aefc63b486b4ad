import { CONTENT_CHARACTERS, type Memory, type MemoryStoreInput } from '@jamey/contracts'
import {
  addressTag,
  forgetAll,
  type KeepingOptions,
  keeping,
  memoryAt,
  recalled,
} from '../memory/addressed.js'
import type { AgentMemory } from '../memory/agent-memory.js'
import { type MemoryPath, parentsOf, shownPath } from './memory-path.js'

/** Stands in the place of no text, which a memory cannot have. */
const EMPTY = '(empty)'

/** The files of one tool: each is a memory, with tags for its path and for the folders that it is in. */
export class MemoryFiles {
  readonly #memory: AgentMemory
  readonly #options: KeepingOptions

  constructor(memory: AgentMemory, options: KeepingOptions) {
    this.#memory = memory
    this.#options = options
  }

  at(path: MemoryPath): Promise<Memory | undefined> {
    return memoryAt(this.#memory, this.#fileTag(path), this.#options)
  }

  /** All that are in a folder, however deep; the newest of one path alone. */
  async below(folder: MemoryPath): Promise<Memory[]> {
    const found = new Map<string, Memory>()
    const scope = this.#options.scope ?? 'private'
    for await (const memory of recalled(this.#memory, { tags: [this.#folderTag(folder)], scope })) {
      const path = shownPath(pathOf(memory))
      if (!found.has(path)) found.set(path, memory)
    }
    return [...found.values()]
  }

  async hasFolder(path: MemoryPath): Promise<boolean> {
    if (path.length === 0) return true
    return (await memoryAt(this.#memory, this.#folderTag(path), this.#options)) !== undefined
  }

  /** False where another one stored a file there at the same moment, and was the first. */
  async create(path: MemoryPath, text: string): Promise<boolean> {
    const { memory } = await this.#memory.store({ ...keeping(this.#options), ...this.#fields(path, text) })
    const scope = this.#options.scope ?? 'private'
    let oldest = memory.id
    // The newest come first.
    for await (const { id } of recalled(this.#memory, { tags: [this.#fileTag(path)], scope })) oldest = id
    if (oldest === memory.id) return true
    await this.#memory.forget({ id: memory.id })
    return false
  }

  /** Rejects with the reason `memory-version` where the file is not as it was found any more. */
  async write(file: Memory, path: MemoryPath, text: string): Promise<void> {
    const { trusted } = this.#options
    await this.#memory.update({
      id: file.id,
      if_version: file.version,
      ...this.#fields(path, text),
      ...(trusted === false ? { trusted } : {}),
    })
  }

  /** Number of files that are gone. */
  async remove(path: MemoryPath): Promise<number> {
    const files = await forgetAll(this.#memory, { tags: [this.#fileTag(path)] })
    return files + (await forgetAll(this.#memory, { tags: [this.#folderTag(path)] }))
  }

  #fields(path: MemoryPath, text: string): Pick<MemoryStoreInput, 'tags' | 'metadata'> & { content: string } {
    if (text.length > CONTENT_CHARACTERS) {
      throw new Error(
        `File ${shownPath(path)} would have ${text.length} characters; at most ${CONTENT_CHARACTERS} are kept in one. Split it.`,
      )
    }
    if (text.includes('\0')) throw new Error(`File ${shownPath(path)} must not contain the character U+0000.`)
    return {
      content: text === '' ? EMPTY : text,
      tags: [this.#fileTag(path), ...parentsOf(path).map((folder) => this.#folderTag(folder))],
      metadata: { file: { path: shownPath(path), ...(text === '' ? { is_empty: true } : {}) } },
    }
  }

  #fileTag(path: MemoryPath): string {
    return addressTag('file', [this.#options.namespace ?? '', ...path])
  }

  #folderTag(path: MemoryPath): string {
    return addressTag('folder', [this.#options.namespace ?? '', ...path])
  }
}

interface FileFacts {
  readonly path: string
  readonly is_empty?: boolean
}

export function pathOf({ metadata }: Memory): MemoryPath {
  return (metadata['file'] as FileFacts).path.split('/').slice(2)
}

export function textOf({ content, metadata }: Memory): string {
  return (metadata['file'] as FileFacts).is_empty === true ? '' : content
}
