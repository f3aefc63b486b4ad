import type { Call, Words } from '../model/call.js'
import { type FoundTool, ToolCatalogue } from '../tools/catalogue.js'
import { toolName } from '../tools/tool.js'
import { Collector } from './collector.js'
import type { FactOptions, Facts } from './fact-types.js'
import { leavesOf } from './strings.js'

const KNOWN = new ToolCatalogue()

/** Everything in a call, each string of it in some fact. */
export function factsOf(call: Call, options: FactOptions): Facts {
  return finished(collectingFacts(call, options))
}

/** The same in steps, between which others may have their turn. */
export function collectingFacts(call: Call, options: FactOptions): Generator<undefined, Facts> {
  const { tools = KNOWN } = options
  const tool = foundTool(call, tools)
  const readsWords = tool.effects.includes('send')
  return collecting(new Collector(call.tool, tool, options, { readsWords, cwd: call.cwd }), call.arguments)
}

/** Some agents have one tool by which they call those of all servers, whose names stand among its arguments. */
function foundTool({ tool, arguments: given, annotations }: Call, tools: ToolCatalogue): FoundTool {
  const found = tools.find(tool, annotations)
  const { server_name: server, tool_name: name } = given
  if (found.isKnown || toolName(tool) !== 'use_mcp_tool') return found
  if (typeof server !== 'string' || typeof name !== 'string') return found
  return tools.find(`mcp__${server}__${name}`, annotations)
}

/** Everything in words and in what is said beside them: as in the arguments of a call that nobody knows. */
export function collectingWords(words: Words, options: FactOptions): Generator<undefined, Facts> {
  const { action, context = {}, user = {} } = words
  const tool = {
    effects: [],
    roles: { action: 'text' },
    isUntrusted: true,
    isKnown: false,
    isOwn: false,
    isGuessed: false,
  } as const
  const collector = new Collector('', tool, options, { readsWords: true })
  return collecting(collector, { action, context, user })
}

/** So few that others hardly wait for them, and so many that most calls are one step. */
const CHARACTERS_AT_ONCE = 2_000
/** What a string or number takes beside its characters. */
const LEAF_CHARACTERS = 100

function* collecting(collector: Collector, value: unknown): Generator<undefined, Facts> {
  const { leaves, flags, unread } = leavesOf(value)
  for (const reason of unread) collector.fail('', reason)
  let characters = 0
  for (const name of flags) collector.takeFlag(name)
  collector.enter(leaves)
  for (const leaf of leaves) {
    if (characters >= CHARACTERS_AT_ONCE) {
      yield
      characters = 0
    }
    collector.take(leaf)
    characters += LEAF_CHARACTERS + (typeof leaf.value === 'string' ? leaf.value.length : 0)
  }
  return collector.facts()
}

function finished<Result>(steps: Generator<undefined, Result>): Result {
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
  }
}
