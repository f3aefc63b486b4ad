import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describeMachine, shownMachine } from '../kit/machine.js'
import { median } from '../kit/numbers.js'
import { endInOrderOnSignals, temporaryFolder } from '../kit/temporary.js'

/** `npm run bench:commands`: how long each short command takes a person who waits for it, beside Node with nothing to do. */

const RUNS = 20
const JAMEY = fileURLToPath(new URL('../../../apps/jamey/bin/jamey.js', import.meta.url))
const COMMANDS: readonly (readonly string[])[] = [
  ['--version'],
  ['help'],
  ['evaluate', 'email the newsletter'],
  ['remember', 'We met in Lisbon in May'],
  ['recall', 'lisbon'],
  ['pub', 'jamey/bench', 'hello'],
  ['token'],
  ['outbox', 'list'],
  ['certs'],
  ['doctor'],
]

function run(cwd: string, args: readonly string[]): number {
  const startedAt = performance.now()
  const { status, stderr } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' })
  // 3: what the conscience does not approve.
  if (status !== 0 && status !== 3)
    throw new Error(`${args.slice(1).join(' ')} ended with ${status}: ${stderr}`)
  return performance.now() - startedAt
}

endInOrderOnSignals()
const folder = temporaryFolder()
const system = spawn(process.execPath, [JAMEY, 'up', '--port', '0', '--http-port', '0'], { cwd: folder.path })
process.once('exit', () => system.kill())
await once(system.stdout, 'data')
process.stdout.write(`${shownMachine(describeMachine())}\n\n`)
const rows = [
  { name: 'node, nothing', args: ['-e', '0'] },
  ...COMMANDS.map((args) => ({ name: args[0] as string, args: [JAMEY, ...args] })),
]
// The first run compiles, and the others take what it kept.
const firsts = rows.map(({ args }) => run(folder.path, args))
const times = rows.map((): number[] => [])
for (let i = 0; i < RUNS; i++) {
  for (const [row, { args }] of rows.entries()) times[row]?.push(run(folder.path, args))
}
const ms = (value: number): string => value.toFixed(0).padStart(8)
process.stdout.write(`${'ms'.padEnd(16)}   first     min     p50\n`)
for (const [row, { name }] of rows.entries()) {
  const measured = times[row] ?? []
  process.stdout.write(
    `${name.padEnd(16)}${ms(firsts[row] ?? 0)}${ms(Math.min(...measured))}${ms(median(measured))}\n`,
  )
}
system.kill()
await once(system, 'exit')
