import type { Effect, Role } from '../model/call.js'

/** What a tool does, and what its arguments are. */
export interface Tool {
  /** Empty: what its arguments say, as with a shell. */
  readonly effects: readonly Effect[]
  /** By the name of an argument, at any depth. Others are guessed from their names. */
  readonly roles: Readonly<Record<string, Role>>
  /** What it answers was written by others, who may mean the agent: pages, mail, tickets. */
  readonly isUntrusted: boolean
  /** Whether it is a shell that goes on from where the call before has left it. */
  readonly keepsFolder?: boolean
  /** Whether what its server says of it (annotations of MCP) is believed where nothing else says what it does. */
  readonly believesAnnotations?: boolean
}

/** By name, as `toolName` has it. */
export type Tools = Readonly<Record<string, Tool>>

/** Parts of a name: the server's, and the tool's own, which is the last. */
function partsOf(name: string): string[] {
  return name.split(/__|[.:/]/).filter((part) => part !== '')
}

/**
 * The name to look up: `mcp__filesystem__read_file`, `filesystem.readFile` and `ReadFile` are `read_file`; undefined
 * where other letters than ASCII's stand in it, which may look like a tool that is known.
 */
export function toolName(name: string): string | undefined {
  if (!/^[\w.:/ -]{1,200}$/.test(name)) return undefined
  const last = partsOf(name).at(-1) ?? ''
  return last
    .replace(/([a-z\d])([A-Z])/g, '$1_$2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1_$2')
    .replace(/[ -]+/g, '_')
    .toLowerCase()
}

const SEARCHES = /^(?:grep|grep_search|grep_files|search_file_content)$/

/** Whether a tool that is known by this name shows what stands in all files below a folder. */
export function searchesBelow(name: string): boolean {
  return /grep|search/i.test(name) && SEARCHES.test(toolName(name) ?? '')
}

/** The parts of a name by whose they are. */
interface NameParts {
  /** What programs put in front of it. */
  readonly before: readonly string[]
  readonly server: string | undefined
  /** What the server calls it; a gateway's has those of the servers behind it in front. */
  readonly own: readonly string[]
  readonly isOfServer: boolean
}

/** Clients and guards write the tool of a server of MCP as `mcp__tickets__read`. */
export function namePartsOf(name: string): NameParts {
  const parts = partsOf(name)
  const mcp = parts.findIndex((part) => part.toLowerCase() === 'mcp')
  const isOfServer = mcp >= 0 && parts.length - mcp > 2
  const server = isOfServer ? mcp + 1 : parts.length - 2
  return {
    before: parts.slice(0, Math.max(0, isOfServer ? mcp : server)),
    server: parts[server],
    own: parts.slice(server + 1),
    isOfServer,
  }
}

/**
 * Whose tool it is, where the name tells: `filesystem` of `mcp__filesystem__read_file` and of
 * `mcp__server-filesystem__read_file`, in lower case.
 */
export function serverOf(name: string): string | undefined {
  return namePartsOf(name)
    .server?.toLowerCase()
    .replace(/^(?:mcp-)?server-|-mcp(?:-server)?$/, '')
}

/** What a record has under a name, and not what every object has. */
export function ownEntry<Value>(record: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}
