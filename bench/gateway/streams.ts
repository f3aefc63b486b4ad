import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type ClientRequest, request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { signToken } from '@jamey/auth'
import { type Client, connect } from '@jamey/mqtt'
import { freePort } from '@jamey/testing'
import { describeMachine, shownMachine } from '../kit/machine.js'
import { anonymousBytes, processorSeconds } from '../kit/processor.js'
import { endInOrderOnSignals, temporaryFolder } from '../kit/temporary.js'

/**
 * `npm run bench:gateway`: what a gateway costs whose caller opens as many streams of events as one may, each of as
 * many filters as that leaves, which all select the same messages, with so much retained. Broker and gateway are processes of their own.
 */

const JAMEY = fileURLToPath(new URL('../../../apps/jamey/bin/jamey.js', import.meta.url))
/** As many as one caller may, and each of as many filters as it may subscribe to with so many. */
const OPENINGS_PER_MINUTE = 180
const FILTERS_OF_STREAM = 4
const HELD_STREAMS = 63
/** Levels of the topics, of which each filter leaves three open: none covers another one, and all select the same. */
const LEVELS = ['home', 'kitchen', 'ceiling', 'lamp', 'state']
const FILTERS = [7, 11, 13, 14, 19, 21, 22, 25, 26, 28].map((open) =>
  [...LEVELS.map((level, i) => ((open >> i) & 1 ? '+' : level)), '#'].join('/'),
)
const PAYLOAD = JSON.stringify({ text: 'x'.repeat(180) })

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    retained: { type: 'string', default: '0,100,1000' },
    rate: { type: 'string', default: '0,100' },
  },
})
const seconds = Number(values.seconds)
const numbersOf = (text: string): number[] => text.split(',').map(Number)

const folder = temporaryFolder()
const [port, httpPort] = [await freePort(), await freePort()]
const children: ChildProcess[] = []
endInOrderOnSignals()
process.once('exit', () => {
  for (const child of children) child.kill()
})

async function run(args: readonly string[], said: RegExp): Promise<number> {
  const child = spawn(process.execPath, [JAMEY, ...args], {
    cwd: folder.path,
    env: {
      ...process.env,
      JAMEY_BROKER_PORT: `${port}`,
      JAMEY_HTTP_PORT: `${httpPort}`,
      JAMEY_GATEWAY_PERMISSIONS: 'subscribe:#',
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  children.push(child)
  await new Promise<void>((resolve) => {
    let text = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      if (!said.test(text)) text += chunk.toString()
      if (said.test(text)) resolve()
    })
  })
  return child.pid as number
}

/** A stream that is read, whose events are counted and thrown away. */
class Stream {
  bytes = 0
  readonly #call: ClientRequest

  constructor(token: string) {
    const query = FILTERS.slice(0, FILTERS_OF_STREAM)
      .map((filter) => `filter=${encodeURIComponent(filter)}`)
      .join('&')
    const headers = { authorization: `Bearer ${token}` }
    this.#call = request(`http://127.0.0.1:${httpPort}/v1/events?${query}`, { headers, agent: false })
    this.#call.on('error', () => {})
    this.#call.on('response', (response) => {
      if (response.statusCode !== 200 && response.statusCode !== 429)
        process.stderr.write(`answered with ${response.statusCode}\n`)
      response.on('data', (chunk: Buffer) => {
        this.bytes += chunk.length
      })
      response.on('error', () => {})
    })
    this.#call.end()
  }

  end(): void {
    this.#call.destroy()
  }
}

async function publishing(client: Client, perSecond: number, signal: AbortSignal): Promise<void> {
  for (let number = 0; !signal.aborted; number++) {
    await client.publish(`${LEVELS.join('/')}/live${number % 10}`, PAYLOAD, { qos: 0 })
    await sleep(1000 / perSecond, undefined, { signal }).catch(() => {})
  }
}

interface Cost {
  readonly gatewayPercent: number
  readonly brokerPercent: number
  readonly peakMiB: number
  readonly shownMiB: number
}

/** Opens streams at the pace that one caller may, of which the last 63 are held. */
async function measure(
  pids: readonly [number, number],
  client: Client,
  token: string,
  rate: number,
): Promise<Cost> {
  const used = (): number[] => pids.map((pid) => processorSeconds(pid) ?? Number.NaN)
  const ending = new AbortController()
  const sending = rate === 0 ? undefined : publishing(client, rate, ending.signal)
  const held: Stream[] = []
  let [shown, peak] = [0, 0]
  const before = used()
  const fromMs = performance.now()
  for (let opened = 0; performance.now() - fromMs < seconds * 1000; opened++) {
    held.push(new Stream(token))
    if (held.length > HELD_STREAMS) {
      const oldest = held.shift()
      shown += oldest?.bytes ?? 0
      oldest?.end()
    }
    peak = Math.max(peak, anonymousBytes(pids[0]) ?? Number.NaN)
    const dueMs = fromMs + ((opened + 1) * 60_000) / OPENINGS_PER_MINUTE
    await sleep(Math.max(0, dueMs - performance.now()))
  }
  const after = used()
  const tookSeconds = (performance.now() - fromMs) / 1000
  ending.abort()
  await sending
  for (const stream of held) {
    shown += stream.bytes
    stream.end()
  }
  const percentOf = (index: number): number =>
    (100 * ((after[index] ?? Number.NaN) - (before[index] ?? Number.NaN))) / tookSeconds
  const mib = (bytes: number): number => bytes / 2 ** 20
  return {
    gatewayPercent: percentOf(0),
    brokerPercent: percentOf(1),
    peakMiB: mib(peak),
    shownMiB: mib(shown),
  }
}

await once(
  spawn(
    process.execPath,
    [JAMEY, 'certs', 'issue', '--server', '--host', '127.0.0.1', '--data-dir', '.jamey'],
    {
      cwd: folder.path,
      stdio: 'ignore',
    },
  ),
  'exit',
)
const broker = await run(['run', 'broker', '--data-dir', '.jamey'], /listening/)
const gateway = await run(['run', 'gateway', '--data-dir', '.jamey'], /process\.ready/)
const read = (name: string): string => readFileSync(join(folder.path, '.jamey', name), 'utf8')
const secret = read('token-secret').trim()
const tokenOf = (sub: string): Promise<string> =>
  signToken({ sub, permissions: ['#'], lifetimeSeconds: 3600 }, secret)
const client = await connect({
  url: `mqtts://127.0.0.1:${port}`,
  clientId: 'bench',
  tls: { ca: read('certs/ca.crt') },
  credentials: { username: 'bench', password: await tokenOf('bench') },
})
console.log(shownMachine(describeMachine()))
console.log('retained  messages/s  gateway CPU  broker CPU  gateway memory  shown')
let retained = 0
let caller = 0
for (const count of numbersOf(values.retained)) {
  for (; retained < count; retained++) {
    await client.publish(`${LEVELS.join('/')}/${retained}`, PAYLOAD, { qos: 1, retain: true })
  }
  for (const rate of numbersOf(values.rate)) {
    const { gatewayPercent, brokerPercent, peakMiB, shownMiB } = await measure(
      [gateway, broker],
      client,
      await tokenOf(`operator-${caller++}`),
      rate,
    )
    const cells = [
      `${count}`.padStart(8),
      `${rate}`.padStart(10),
      `${gatewayPercent.toFixed(0)} %`.padStart(11),
      `${brokerPercent.toFixed(0)} %`.padStart(10),
      `${peakMiB.toFixed(0)} MiB`.padStart(14),
      `${shownMiB.toFixed(0)} MiB`.padStart(8),
    ]
    console.log(cells.join('  '))
    await sleep(2000)
  }
}
await client.close()
process.exit(0)
