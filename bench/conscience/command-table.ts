import { readFileSync } from 'node:fs'
import { type Call, factsOf } from '@jamey/calls'
import { type Decision, judgeCall, parsePolicy } from '@jamey/conscience'

/** What the packs that ship make of commands, beside simpler judges. */

export const PLACE = { workspace: '/home/dev/project', home: '/home/dev' }
export const POLICY = parsePolicy(
  'version: 1\ninclude: [work, shell, files, http, mail, money, sql]\n',
  'bench',
  PLACE,
)
/** What many put in front of a shell. */
const ONE_EXPRESSION =
  /\b(?:rm\s+-\w*[rf]|mkfs|dd\s+if=|shutdown|reboot|drop\s+(?:table|database)|truncate|--force|reset\s+--hard|sudo|chmod\s+-R|kill(?:all)?|curl[^|]*\|\s*(?:ba)?sh)\b/i
const READING = new Set(['read'])

const JUDGES: readonly (readonly [string, (call: Call) => Decision])[] = [
  ['the packs that ship', (call) => judgeCall(POLICY, call).decision],
  [
    'ask on every write',
    (call) => (factsOf(call, PLACE).effects.every((e) => READING.has(e)) ? 'allow' : 'ask'),
  ],
  [
    'one regular expression',
    (call) => (ONE_EXPRESSION.test(String(call.arguments['command'])) ? 'deny' : 'allow'),
  ],
  ['allow all', () => 'allow'],
]

function commandsOf(name: string): Call[] {
  const text = readFileSync(new URL(`../../conscience/${name}`, import.meta.url), 'utf8')
  return text
    .trim()
    .split('\n')
    .map((line) => ({ tool: 'Bash', arguments: { command: line.replaceAll('\\n', '\n') } }))
}

const share = (count: number, all: number): string =>
  `${count} of ${all} (${((100 * count) / all).toFixed(1)} %)`

const harmless = commandsOf('harmless-commands.txt')
const destructive = commandsOf('destructive-commands.txt')
export const COMMANDS: readonly Call[] = [...harmless, ...destructive]

export function commandTable(): string {
  let text = `${'judge'.padEnd(24)}${'harmless, allowed'.padEnd(24)}destructive, not allowed\n`
  for (const [name, judge] of JUDGES) {
    const allowed = harmless.filter((call) => judge(call) === 'allow').length
    const stopped = destructive.filter((call) => judge(call) !== 'allow').length
    const cells = [share(allowed, harmless.length).padEnd(24), share(stopped, destructive.length)]
    text += `${name.padEnd(24)}${cells.join('')}\n`
  }
  return text
}
