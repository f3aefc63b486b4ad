import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { describeMachine, shownMachine } from '../kit/machine.js'
import { median } from '../kit/numbers.js'
import { endInOrderOnSignals, temporaryFolder } from '../kit/temporary.js'

/**
 * `npm run bench:mcp`: what a call of a tool takes with `jamey mcp guard` in between, with a policy in the guard and with
 * the conscience of a running system, beside the same call without it. All run side by side and are called in turn, so
 * that what else the machine does strikes all of them.
 */

const CALLS = 3_000
const WARM_UP = 500
const JAMEY = fileURLToPath(new URL('../../../apps/jamey/bin/jamey.js', import.meta.url))
const SERVER = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-filesystem/dist/index.js')

async function connected(args: readonly string[], cwd: string): Promise<Client> {
  const client = new Client({ name: 'bench', version: '1.0.0' })
  const how = { command: process.execPath, args: [...args], cwd, stderr: 'ignore' as const }
  await client.connect(new StdioClientTransport(how))
  return client
}

endInOrderOnSignals()
const { path: folder } = temporaryFolder()
const policy = join(folder, 'policy.yaml')
writeFileSync(
  policy,
  `version: 1\ninclude: [work, shell, files, http, mail, money, sql]\nworkspace: ${folder}\n`,
)
writeFileSync(join(folder, 'a.txt'), 'a short text')
writeFileSync(join(folder, '.env'), `JAMEY_POLICY_FILE=${policy}\n`)
const system = spawn(process.execPath, [JAMEY, 'up', '--port', '0', '--http-port', '0'], { cwd: folder })
process.once('exit', () => system.kill())
await once(system.stdout, 'data')
const server = [process.execPath, SERVER, folder]
const ways = [
  { name: 'alone', args: server.slice(1) },
  { name: 'by a policy', args: [JAMEY, 'mcp', 'guard', '--policy', policy, '--', ...server] },
  { name: 'over the bus', args: [JAMEY, 'mcp', 'guard', '--', ...server] },
]
const rows = await Promise.all(
  ways.map(async ({ name, args }) => ({ name, client: await connected(args, folder), ms: [] as number[] })),
)
const call = { name: 'get_file_info', arguments: { path: join(folder, 'a.txt') } }
for (let i = 0; i < WARM_UP + CALLS; i++) {
  for (const { client, ms } of rows) {
    const startedAt = performance.now()
    const { isError } = await client.callTool(call)
    if (i >= WARM_UP) ms.push(performance.now() - startedAt)
    if (isError === true) throw new Error('the call was not made')
  }
}
const percentile = (ms: readonly number[], share: number): number =>
  [...ms].sort((a, b) => a - b)[Math.floor(ms.length * share)] ?? 0
const shown = (ms: number): string => ms.toFixed(3).padStart(9)
process.stdout.write(
  `${shownMachine(describeMachine())}\n\n${'ms a call'.padEnd(14)}      p10      p50      p99\n`,
)
for (const { name, ms } of rows) {
  process.stdout.write(
    `${name.padEnd(14)}${shown(percentile(ms, 0.1))}${shown(median(ms))}${shown(percentile(ms, 0.99))}\n`,
  )
}
await Promise.all(rows.map(({ client }) => client.close()))
system.kill()
await once(system, 'exit')
