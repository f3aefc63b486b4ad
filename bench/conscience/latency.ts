import { setTimeout } from 'node:timers/promises'
import type { Call } from '@jamey/calls'
import { judgeCall, judgedCall, type Policy, parsePolicy, Session } from '@jamey/conscience'
import { median } from '../kit/numbers.js'
import { DATA } from './agentdojo.js'
import { COMMANDS, PLACE, POLICY } from './command-table.js'
import { POLICIES } from './conversations.js'

const ROUNDS = 20
/** A conscience that has run for some seconds has judged more. */
const WARMING_ROUNDS = 10
const APART = 500
const SIMPLE: Call = { tool: 'Bash', arguments: { command: 'git status --short' } }

/** Every pack that ships, and as many rules of a deployer as make it a hundred. */
function hundredRules(): Policy {
  const include = 'include: [work, shell, files, http, mail, money, sql, git, cloud, secrets, self, text]'
  const shipped = parsePolicy(`version: 1\n${include}\n`, 'bench', PLACE).rules.length
  const forms = [
    (n: number) => `tool == 'crm_${n}' && texts.exists(t, t.text.contains('account ${n}'))`,
    (n: number) => `'pay' in effects && amounts.exists(a, a.amount > ${n}.0)`,
    (n: number) => `urls.exists(u, u.host == 'host-${n}.example')`,
    (n: number) => `files.exists(f, f.access == 'write' && f.path.startsWith('/data/${n}/'))`,
    (n: number) => `commands.exists(c, c.words[0] == 'program-${n}' && 'write' in c.effects)`,
    (n: number) => `recipients.exists(r, r.text.endsWith('@partner-${n}.example'))`,
    (n: number) => `texts.exists(t, t.text.matches('project-${n}-secret'))`,
  ]
  const rules = Array.from({ length: 100 - shipped }, (_, n) => {
    const when = (forms[n % forms.length] as (n: number) => string)(n)
    return `  - { name: own-${n}, decision: ask, reason: own, when: ${JSON.stringify(when)} }`
  })
  return parsePolicy(`version: 1\n${include}\nrules:\n${rules.join('\n')}\n`, 'bench', PLACE)
}

/** The first rounds are not counted. */
function microsOf(cases: readonly (() => void)[], rounds = ROUNDS): string {
  const micros: number[] = []
  for (let round = -WARMING_ROUNDS; round < rounds; round++) {
    for (const run of cases) {
      const from = process.hrtime.bigint()
      run()
      if (round >= 0) micros.push(Number(process.hrtime.bigint() - from) / 1000)
    }
  }
  return shown(micros)
}

/** One each millisecond, as whoever asks over a network does: code and data have left the caches of the processor by then. */
async function microsApart(run: () => void): Promise<string> {
  const micros: number[] = []
  for (let i = 0; i < APART; i++) {
    await setTimeout(1)
    const from = process.hrtime.bigint()
    run()
    micros.push(Number(process.hrtime.bigint() - from) / 1000)
  }
  return shown(micros)
}

function shown(micros: number[]): string {
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

export async function latencyLines(): Promise<string> {
  const commands = microsOf(COMMANDS.map((call) => () => void judgeCall(POLICY, call)))
  const hundred = hundredRules()
  const ofHundred = microsOf(COMMANDS.map((call) => () => void judgeCall(hundred, call)))
  const judgeSimple = (): void => void judgeCall(hundred, SIMPLE)
  const simple = microsOf(Array.from({ length: 500 }, () => judgeSimple))
  const apart = await microsApart(judgeSimple)
  return [
    `a verdict in process, ${hundred.rules.length} rules, ${SIMPLE.arguments['command']}: ${simple}`,
    `a verdict in process, ${hundred.rules.length} rules, ${SIMPLE.arguments['command']}, one each millisecond: ${apart}`,
    `a verdict in process, ${hundred.rules.length} rules, commands without a session: ${ofHundred}`,
    `a verdict in process, ${POLICY.rules.length} rules, commands without a session: ${commands}`,
    `a verdict in process, ${POLICY.rules.length} rules, AgentDojo's calls with their sessions: ${microsOf(dojoCases())}`,
    '',
  ].join('\n')
}
