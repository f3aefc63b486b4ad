import { readFileSync } from 'node:fs'
import { judgeCall, judgedCall, type Policy, parsePolicy, Session } from '@jamey/conscience'
import { DATA, type Judging } from './agentdojo.js'

const PLACE = { home: '/home/emma' }
export const POLICIES: Readonly<Record<string, Policy>> = Object.fromEntries(
  Object.keys(DATA.suites).map((name) => {
    const file = `policies/${name}.yaml`
    const text = readFileSync(new URL(`../../conscience/${file}`, import.meta.url), 'utf8')
    return [name, parsePolicy(text, file, PLACE)]
  }),
)

/** What many look for in what a tool answers. */
const INJECTION =
  /\bignore (?:all |any )?(?:the )?(?:previous|prior|above)|<\/?(?:information|system|instructions?|important)>|\bimportant (?:message|instructions?)\b|\bbefore you (?:can |do |solve |continue)|\byou must now\b/i

function writesOf(suite: string): Set<string> {
  const tools = DATA.suites[suite]?.tools ?? []
  return new Set(tools.filter(({ effect }) => effect === 'write').map(({ name }) => name))
}

/** The packs that ship, with what an operator says of tools and people. */
const ours: Judging = (suite, prompt) => {
  const policy = POLICIES[suite] as Policy
  const session = new Session()
  let now = 0
  session.request(prompt, now)
  return {
    mayMake: (call) => {
      const verdict = judgeCall(policy, call, { session, now: ++now })
      session.called(judgedCall(call, verdict), now)
      return verdict.decision === 'allow'
    },
    answered: ({ tool }, result) => session.result({ tool, result, outcome: 'succeeded' }, ++now),
  }
}

const askOnWrites: Judging = (suite) => {
  const writes = writesOf(suite)
  return { mayMake: ({ tool }) => !writes.has(tool), answered: () => {} }
}

const oneExpression: Judging = (suite) => {
  const writes = writesOf(suite)
  let isTainted = false
  return {
    mayMake: ({ tool }) => !isTainted || !writes.has(tool),
    answered: (_, result) => {
      isTainted ||= INJECTION.test(result)
    },
  }
}

export const JUDGINGS: Readonly<Record<string, Judging>> = {
  'the packs that ship': ours,
  'ask on every write': askOnWrites,
  'one regular expression': oneExpression,
  'allow all': () => ({ mayMake: () => true, answered: () => {} }),
}
