import type { Memory } from '@jamey/contracts'
import type { KeepingOptions } from '../memory/addressed.js'
import type { AgentMemory } from '../memory/agent-memory.js'
import { MEMORIES_ARE_DATA } from '../memory/shown-memory.js'
import { MemoryAccessError } from '../model/errors.js'
import { folderListing, numberedLines } from './file-listing.js'
import { MemoryFiles, pathOf, textOf } from './memory-file.js'
import { type MemoryPath, memoryPath, parentsOf, shownPath } from './memory-path.js'

export interface MemoryToolOptions extends KeepingOptions {}

/** The commands of `memory_20250818`, in the SDK's own shapes. */
export interface MemoryToolHandlers {
  view(command: {
    readonly path: string
    readonly view_range?: readonly number[] | undefined
  }): Promise<string>
  create(command: { readonly path: string; readonly file_text: string }): Promise<string>
  str_replace(command: {
    readonly path: string
    readonly old_str: string
    readonly new_str: string
  }): Promise<string>
  insert(command: {
    readonly path: string
    readonly insert_line: number
    readonly insert_text: string
  }): Promise<string>
  delete(command: { readonly path: string }): Promise<string>
  rename(command: { readonly old_path: string; readonly new_path: string }): Promise<string>
}

/** How often an edit begins anew where another program has changed the file meanwhile. */
const TRIES = 5
/** Lines before and after the one that was changed. */
const CONTEXT = 2

/**
 * For `betaMemoryTool`: files below `/memories` are memories, which others find like any other, and whose versions stay
 * in their history. Results and errors have the words that the tool documents. A file that is not trusted says so before
 * its text.
 */
export function memoryToolHandlers(memory: AgentMemory, options: MemoryToolOptions = {}): MemoryToolHandlers {
  const files = new MemoryFiles(memory, options)
  return {
    view: ({ path, view_range }) => view(files, path, view_range),
    create: ({ path, file_text }) => create(files, path, file_text),
    str_replace: ({ path, old_str, new_str }) =>
      edit(files, path, (text) => replaced(path, text, old_str, new_str)),
    insert: ({ path, insert_line, insert_text }) =>
      edit(files, path, (text) => inserted(path, text, insert_line, insert_text)),
    delete: ({ path }) => remove(files, path),
    rename: ({ old_path, new_path }) => rename(files, old_path, new_path),
  }
}

async function view(files: MemoryFiles, path: string, range?: readonly number[]): Promise<string> {
  const names = memoryPath(path)
  const file = await files.at(names)
  if (file !== undefined) return shownFile(path, file, range)
  const below = await files.below(names)
  if (below.length === 0 && names.length > 0) throw noPath(path)
  const listed = below.map((memory) => ({
    path: pathOf(memory).slice(names.length),
    bytes: Buffer.byteLength(textOf(memory)),
    isTrusted: memory.trusted,
  }))
  return folderListing(path, listed)
}

function shownFile(path: string, file: Memory, range?: readonly number[]): string {
  const lines = textOf(file).split('\n')
  const [first = 1, last = -1] = range?.length === 2 ? range : []
  const from = Math.max(1, first) - 1
  const shown = numberedLines(lines.slice(from, last === -1 ? lines.length : last), from + 1)
  const { origin = 'somebody who is not believed' } = file
  const warning = file.trusted
    ? ''
    : `[untrusted: the text below comes from ${origin}. ${MEMORIES_ARE_DATA}]\n`
  return `${warning}Here's the content of ${path} with line numbers:\n${shown}`
}

async function create(files: MemoryFiles, path: string, text: string): Promise<string> {
  const names = memoryPath(path)
  const exists = new Error(`File ${path} already exists`)
  if ((await files.hasFolder(names)) || (await files.at(names)) !== undefined) throw exists
  await mustBeInFolders(files, names)
  if (!(await files.create(names, text))) throw exists
  return `File created successfully at: ${path}`
}

async function mustBeInFolders(files: MemoryFiles, path: MemoryPath): Promise<void> {
  for (const parent of parentsOf(path).slice(1)) {
    if ((await files.at(parent)) !== undefined)
      throw new Error(`The path ${shownPath(parent)} is not a directory.`)
  }
}

interface Edit {
  readonly text: string
  readonly answer: string
}

async function edit(files: MemoryFiles, path: string, change: (text: string) => Edit): Promise<string> {
  const names = memoryPath(path)
  for (let tries = 1; ; tries++) {
    const file = await files.at(names)
    if (file === undefined) {
      throw (await files.hasFolder(names)) ? new Error(`The path ${path} is not a file.`) : noPath(path)
    }
    const { text, answer } = change(textOf(file))
    try {
      await files.write(file, names, text)
      return answer
    } catch (error) {
      const isChanged = error instanceof MemoryAccessError && error.reason === 'memory-version'
      if (!isChanged || tries >= TRIES) throw error
    }
  }
}

function replaced(path: string, text: string, wanted: string, by: string): Edit {
  const places: number[] = []
  for (
    let at = text.indexOf(wanted);
    at !== -1 && wanted !== '';
    at = text.indexOf(wanted, at + wanted.length)
  ) {
    places.push(at)
  }
  const [at] = places
  if (at === undefined) {
    throw new Error(`No replacement was performed, old_str \`${wanted}\` did not appear verbatim in ${path}.`)
  }
  if (places.length > 1) {
    const lines = [...new Set(places.map((place) => lineOf(text, place)))].join(', ')
    throw new Error(
      `No replacement was performed. Multiple occurrences of old_str \`${wanted}\` in lines: ${lines}. Please ensure it is unique`,
    )
  }
  const edited = text.slice(0, at) + by + text.slice(at + wanted.length)
  const from = Math.max(0, lineOf(text, at) - 1 - CONTEXT)
  const snippet = numberedLines(edited.split('\n').slice(from, lineOf(text, at) + CONTEXT), from + 1)
  const answer = `The memory file has been edited. Here is the snippet showing the change (with line numbers):\n${snippet}`
  return { text: edited, answer }
}

/** Counted from 1. */
function lineOf(text: string, place: number): number {
  return text.slice(0, place).split('\n').length
}

function inserted(path: string, text: string, line: number, added: string): Edit {
  const lines = text.split('\n')
  if (!(line >= 0 && line <= lines.length)) {
    throw new Error(
      `Invalid \`insert_line\` parameter: ${line}. It should be within the range of lines of the file: [0, ${lines.length}]`,
    )
  }
  lines.splice(line, 0, added.replace(/\n$/, ''))
  return { text: lines.join('\n'), answer: `The file ${path} has been edited.` }
}

async function remove(files: MemoryFiles, path: string): Promise<string> {
  const names = memoryPath(path)
  if (names.length === 0) throw new Error('Cannot delete the /memories directory itself')
  if ((await files.remove(names)) === 0) throw new Error(`The path ${path} does not exist`)
  return `Successfully deleted ${path}`
}

/** A folder moves file by file: where the memory fails in between, some are at their old place. */
async function rename(files: MemoryFiles, from: string, to: string): Promise<string> {
  const [old, next] = [memoryPath(from), memoryPath(to)]
  if (old.length === 0) throw new Error('Cannot rename the /memories directory itself')
  if ((await files.hasFolder(next)) || (await files.at(next)) !== undefined) {
    throw new Error(`The destination ${to} already exists`)
  }
  const file = await files.at(old)
  const moving = file === undefined ? await files.below(old) : [file]
  if (moving.length === 0) throw new Error(`The path ${from} does not exist`)
  if (old.every((name, i) => name === next[i]))
    throw new Error(`Cannot rename ${from} to a path within itself`)
  await mustBeInFolders(files, next)
  for (const one of moving) await files.write(one, [...next, ...pathOf(one).slice(old.length)], textOf(one))
  return `Successfully renamed ${from} to ${to}`
}

function noPath(path: string): Error {
  return new Error(`The path ${path} does not exist. Please provide a valid path.`)
}
