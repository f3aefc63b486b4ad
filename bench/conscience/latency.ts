import type { Call } from '@jamey/calls'
import { judgeCall, judgedCall, type Policy, Session } from '@jamey/conscience'
import { median } from '../kit/numbers.js'
import { DATA } from './agentdojo.js'
import { COMMANDS, POLICY } from './command-table.js'
import { POLICIES } from './conversations.js'

const ROUNDS = 20

/** The first round is not counted. */
function microsOf(cases: readonly (() => void)[], rounds = ROUNDS): string {
  const micros: number[] = []
  for (let round = 0; round < rounds; round++) {
    for (const run of cases) {
      const from = process.hrtime.bigint()
      run()
      if (round > 0) micros.push(Number(process.hrtime.bigint() - from) / 1000)
    }
  }
  const sorted = micros.sort((a, b) => a - b)
  const p99 = sorted[Math.floor(sorted.length * 0.99)] ?? 0
  return `${median(sorted).toFixed(0)} us p50, ${p99.toFixed(0)} us p99`
}

/** Each call of each task, with the session as it is before that call. */
function dojoCases(): (() => void)[] {
  return Object.entries(DATA.suites).flatMap(([name, suite]) => {
    const policy = POLICIES[name] as Policy
    return suite.user_tasks.flatMap((task) => {
      const session = new Session()
      session.request(task.prompt, 0)
      return task.calls.map((step, i) => {
        const call: Call = { tool: step.tool, arguments: step.arguments }
        const before = Session.from(JSON.parse(JSON.stringify(session)))
        session.called(judgedCall(call, judgeCall(policy, call, { session, now: i })), i)
        session.result({ tool: step.tool, result: step.result, outcome: 'succeeded' }, i)
        return () => void judgeCall(policy, call, { session: before, now: i })
      })
    })
  })
}

export function latencyLines(): string {
  const commands = microsOf(COMMANDS.map((call) => () => void judgeCall(POLICY, call)))
  return [
    `a verdict in process, ${POLICY.rules.length} rules, commands without a session: ${commands}`,
    `a verdict in process, ${POLICY.rules.length} rules, AgentDojo's calls with their sessions: ${microsOf(dojoCases())}`,
    '',
  ].join('\n')
}
