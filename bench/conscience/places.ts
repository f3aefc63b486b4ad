import { type Call, factsOf } from '@jamey/calls'
import { DATA } from './agentdojo.js'
import { COMMANDS } from './command-table.js'

const PLACE = { workspace: '/home/dev/project', home: '/home/dev' }
/** Stands in no call by itself. */
const MARK = '/etc/shadow-7f3a'

type Json = unknown

/** The value, once with the mark in each place that a string may stand in: instead of, in, beside and around what is there. */
function* marked(value: Json): Generator<Json> {
  yield MARK
  yield JSON.stringify({ deep: [MARK] })
  if (typeof value === 'string') {
    yield `${value} ${MARK}`
    yield `${value}\n${MARK}`
  }
  if (Array.isArray(value)) {
    yield [...value, MARK]
    for (const [i, member] of value.entries()) for (const one of marked(member)) yield value.with(i, one)
  } else if (typeof value === 'object' && value !== null) {
    yield { ...value, unheard_of: MARK }
    yield { ...value, [MARK]: true }
    for (const [name, member] of Object.entries(value)) {
      for (const one of marked(member)) yield { ...value, [name]: one }
    }
  }
}

/** How many calls have the mark in a place, and in how many of them neither a fact nor what was not read tells of it. */
export function placesLine(): string {
  const tasks = Object.values(DATA.suites).flatMap(({ user_tasks, injection_tasks }) => [
    ...user_tasks,
    ...injection_tasks,
  ])
  const calls = new Map<string, Call>()
  for (const { tool, arguments: args } of [
    ...tasks.flatMap((task) => task.calls),
    ...COMMANDS.slice(0, 40),
  ]) {
    calls.set(JSON.stringify([tool, args]), { tool, arguments: args })
  }
  let all = 0
  let missed = 0
  for (const { tool, arguments: args } of calls.values()) {
    for (const one of marked(args)) {
      if (typeof one !== 'object' || one === null) continue
      all++
      const { texts, unread } = factsOf({ tool, arguments: one as Record<string, unknown> }, PLACE)
      if (!texts.some(({ text }) => text.includes(MARK)) && unread.length === 0) missed++
    }
  }
  return `strings that are looked past: ${missed} of ${all}, in ${calls.size} calls\n`
}
