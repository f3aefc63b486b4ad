import type { Annotations, Effect } from '../model/call.js'
import { guessedTool } from './guessed-tool.js'
import { KNOWN_TOOLS } from './known-tools.js'
import { namePartsOf, ownEntry, serverOf, type Tool, type Tools, toolName } from './tool.js'

/** What is known of a tool, or guessed. */
export interface FoundTool extends Tool {
  /** Whether the deployer or this package says what it does. */
  readonly isKnown: boolean
  /** Whether the deployer does. */
  readonly isOwn: boolean
  /** What it does is a guess, or the word of its server: what its arguments say counts, too. */
  readonly isGuessed: boolean
}

/** Servers of MCP whose tools go by the names that this package knows. Another server's `read_file` may do anything. */
const KNOWN_SERVERS = new Set(
  'filesystem fs git fetch memory sqlite postgres time github slack sequential-thinking sequentialthinking everything playwright puppeteer gmail google-calendar google_calendar stripe paypal jamey'.split(
    ' ',
  ),
)
/** What programs put in front of tools of their own; a server of MCP may be called so, too, and is not known by it. */
const PROGRAMS = new Set('functions tools container computer default_api developer'.split(' '))
/** Shells that go on from one call to the next, whoever says what they do. */
const KEEPING_FOLDER = new Set('bash execute_bash shell terminal run_terminal_cmd run_in_terminal'.split(' '))
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
    const isOwn = own !== undefined
    // Who has the server believed says nothing of the tool.
    const isSilent = own?.believesAnnotations === true && own.effects.length === 0
    const known = isSilent ? knownEntry(name) : (own ?? knownEntry(name))
    const entry = known ?? guessedTool(name)
    const said = own !== undefined && isSilent ? { ...own, ...pickedFrom(entry, own) } : entry
    const keepsFolder = KEEPING_FOLDER.has(toolName(name) ?? '')
    const isKnown = known !== undefined
    return { ...said, isKnown, isOwn, isGuessed: !isKnown, keepsFolder }
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
  const { before, own, isOfServer } = namePartsOf(name)
  // A server may call its own tools as another is called: `mcp__tickets__filesystem__read_file`.
  if (own.length > 1 || !before.every((part) => PROGRAMS.has(part.toLowerCase()))) return undefined
  const isProgram = PROGRAMS.has(server ?? '') && !isOfServer
  const isAnybodys = server === undefined || isProgram || KNOWN_SERVERS.has(server)
  if (plain === undefined || !isAnybodys) return undefined
  return ownEntry(KNOWN_TOOLS, plain)
}

/** What is known of a tool, or guessed, with the roles of its arguments that the deployer says. */
function pickedFrom({ effects, roles }: Tool, own: Tool): Pick<Tool, 'effects' | 'roles'> {
  return { effects, roles: { ...roles, ...own.roles } }
}

/**
 * What a tool's server says of it makes a verdict stricter, whoever it is; milder only where the deployer believes it,
 * and where the tool's own name does not say otherwise.
 */
function annotated(found: FoundTool, { readOnlyHint, destructiveHint }: Annotations): FoundTool {
  // That a tool that is known to write does away with what was there before is known of it.
  const isKnownToWrite = found.isKnown && found.effects.includes('write')
  const destroys = destructiveHint === true && readOnlyHint !== true
  const told = destroys && !isKnownToWrite ? withEffect(found, 'delete') : found
  // It is another tool of this name than the one that is known.
  const isSaid = found.isOwn && found.believesAnnotations !== true
  if (readOnlyHint === false && !isSaid && isReading(told))
    return { ...told, isKnown: false, isGuessed: true }
  const isSilent = found.effects.length === 0 || !found.isKnown
  if (found.believesAnnotations !== true || !isSilent) return told
  if (readOnlyHint === true) return onlyReading(told)
  if (destructiveHint === undefined) return told
  // Where it writes is not said: what it changes may be anywhere.
  return { ...(destroys ? told : withEffect(told, 'send')), isKnown: true, isGuessed: true }
}

/** Unless its name says that it does more; then nobody knows. */
function onlyReading(found: FoundTool): FoundTool {
  if (found.effects.length > 0 && !isReading(found)) return found
  return { ...withEffect(found, 'read'), isKnown: true, isGuessed: true }
}

function isReading({ effects }: Tool): boolean {
  return effects.length > 0 && effects.every((effect) => effect === 'read' || effect === 'outward-read')
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
