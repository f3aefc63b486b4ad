import type { Annotations, Effect } from '../model/call.js'
import { guessedTool } from './guessed-tool.js'
import { KNOWN_TOOLS } from './known-tools.js'
import { ownEntry, serverOf, type Tool, type Tools, toolName } from './tool.js'

/** What is known of a tool, or guessed. */
export interface FoundTool extends Tool {
  /** Whether the deployer or this package says what it does. */
  readonly isKnown: boolean
  /** Whether the deployer does. */
  readonly isOwn: boolean
}

/**
 * Servers of MCP whose tools go by the names that this package knows, and what programs put in front of tools of their
 * own. Another server's `read_file` may do anything.
 */
const KNOWN_SERVERS = new Set(
  'mcp functions tools container computer filesystem fs git fetch memory sqlite postgres time github slack sequential-thinking sequentialthinking everything default_api playwright puppeteer gmail google-calendar google_calendar stripe paypal jamey'.split(
    ' ',
  ),
)
/** Shells that go on from one call to the next, whoever says what they do. */
const KEEPING_FOLDER = new Set('bash shell terminal run_terminal_cmd run_in_terminal'.split(' '))
/** Names are from whoever asks. */
const MAXIMUM_REMEMBERED = 1_000

/** The deployer's tools, those of this package, and a guess for the others. */
export class ToolCatalogue {
  /** How many the deployer names. */
  readonly size: number
  readonly #own: Tools
  readonly #patterns: readonly (readonly [RegExp, Tool])[]
  readonly #remembered = new Map<string, FoundTool>()

  /** `own`: by name, in which `*` stands for any part. */
  constructor(own: Tools = {}) {
    this.#own = own
    this.size = Object.keys(own).length
    this.#patterns = Object.entries(own)
      .filter(([name]) => name.includes('*'))
      .map(([name, tool]) => [patternOf(name), tool])
  }

  find(name: string, annotations: Annotations = {}): FoundTool {
    let found = this.#remembered.get(name)
    if (found === undefined) {
      found = this.#find(name)
      if (this.#remembered.size >= MAXIMUM_REMEMBERED) this.#remembered.clear()
      this.#remembered.set(name, found)
    }
    return annotated(found, annotations)
  }

  #find(name: string): FoundTool {
    const own = this.#ownEntry(name)
    const known = own ?? knownEntry(name)
    const isOwn = own !== undefined
    const keepsFolder = KEEPING_FOLDER.has(toolName(name) ?? '')
    return known === undefined
      ? { ...guessedTool(name), isKnown: false, isOwn, keepsFolder }
      : { ...known, isKnown: true, isOwn, keepsFolder }
  }

  #ownEntry(name: string): Tool | undefined {
    const plain = toolName(name)
    const isPlain = plain !== undefined && serverOf(name) === undefined
    return (
      ownEntry(this.#own, name) ??
      (isPlain ? ownEntry(this.#own, plain) : undefined) ??
      (plain === undefined ? undefined : this.#patterns.find(([pattern]) => pattern.test(name))?.[1])
    )
  }
}

function knownEntry(name: string): Tool | undefined {
  const plain = toolName(name)
  const server = serverOf(name)
  if (plain === undefined || (server !== undefined && !KNOWN_SERVERS.has(server))) return undefined
  return ownEntry(KNOWN_TOOLS, plain)
}

/**
 * What a tool's server says of it makes a verdict stricter, whoever it is; milder only where the deployer believes it.
 */
function annotated(found: FoundTool, { readOnlyHint, destructiveHint }: Annotations): FoundTool {
  // That a tool that is known to write does away with what was there before is known of it.
  const isKnownToWrite = found.isKnown && found.effects.includes('write')
  if (destructiveHint === true && readOnlyHint !== true && !isKnownToWrite) return withEffect(found, 'delete')
  const isSilent = found.effects.length === 0 || !found.isKnown
  if (found.believesAnnotations !== true || !isSilent) return found
  if (readOnlyHint === true) return { ...found, effects: ['read'], isKnown: true }
  return destructiveHint === false ? { ...found, effects: ['write'], isKnown: true } : found
}

function withEffect(found: FoundTool, effect: Effect): FoundTool {
  return found.effects.includes(effect) ? found : { ...found, effects: [...found.effects, effect] }
}

function patternOf(name: string): RegExp {
  const source = name
    .split('*')
    .map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
    .join('.*')
  return new RegExp(`^${source}$`, 's')
}
