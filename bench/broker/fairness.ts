import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type BrokerName, protocolVersionOf, startBroker } from '../kit/brokers.js'
import { Child, MOSQUITTO } from '../kit/children.js'
import { describeMachine, shownMachine } from '../kit/machine.js'
import { median } from '../kit/numbers.js'
import { endInOrderOnSignals } from '../kit/temporary.js'
import type { FairnessCount, FairnessJob } from './fairness-job.js'

/**
 * `npm run bench:broker:fairness`: what a client that talks to itself keeps of what it has alone, while another one
 * publishes as fast as it is read from. Alone is measured before and after each flood.
 */

const FLOODS: readonly (readonly [name: string, payloadBytes: number, subscribers: number])[] = [
  ['256B to nobody', 256, 0],
  ['16KiB to nobody', 16_384, 0],
  ['16KiB to 1', 16_384, 1],
  ['256B to 20', 256, 20],
  ['1KiB to 20', 1024, 20],
]
const IN_FLIGHT = [1, 10, 100]
const PAYLOAD_BYTES = 256
const SETTLING_MS = 500

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '1.5' }, rounds: { type: 'string', default: '3' } },
})
const windowMs = Number(values.seconds) * 1000
const rounds = Number(values.rounds)

async function started(job: FairnessJob): Promise<Child> {
  const child = new Child(new URL('./fairness-process.js', import.meta.url))
  child.give(job)
  await child.next<FairnessCount>()
  return child
}

async function perSecond(client: Child): Promise<number> {
  await sleep(SETTLING_MS)
  const ask = async (): Promise<number> => {
    client.give({})
    return (await client.next<FairnessCount>()).received
  }
  const from = performance.now()
  const before = await ask()
  await sleep(windowMs)
  return ((await ask()) - before) / ((performance.now() - from) / 1000)
}

/** What is kept, round by round. */
async function measure(
  name: BrokerName,
  inFlight: number,
  flood: (typeof FLOODS)[number],
): Promise<number[]> {
  const [, payloadBytes, subscribers] = flood
  const broker = await startBroker(name, { certificates: undefined })
  const common = { port: broker.port, protocolVersion: protocolVersionOf(name) }
  const client = await started({
    ...common,
    clientId: 'client',
    payloadBytes: PAYLOAD_BYTES,
    inFlight,
    subscribers: 0,
  })
  const kept: number[] = []
  let alone = await perSecond(client)
  for (let round = 0; round < rounds; round++) {
    const flooding = await started({ ...common, clientId: 'flood', payloadBytes, inFlight: 0, subscribers })
    const beside = await perSecond(client)
    await flooding.stop('SIGKILL')
    const after = await perSecond(client)
    kept.push((2 * beside) / (alone + after))
    alone = after
  }
  await client.stop('SIGKILL')
  await broker.stop()
  return kept
}

endInOrderOnSignals()
const brokers: BrokerName[] = existsSync(MOSQUITTO) ? ['jamey', 'mosquitto'] : ['jamey']
const shown = (kept: readonly number[]): string => {
  const [least, most] = [Math.min(...kept), Math.max(...kept)]
  return `${median(kept).toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`.padEnd(22)
}
process.stdout.write(`${shownMachine(describeMachine())}\n`)
process.stdout.write(`${rounds} rounds of ${windowMs / 1000} s, medians; extremes in parentheses\n\n`)
process.stdout.write(`${'flood'.padEnd(18)}in flight  ${brokers.map((name) => name.padEnd(22)).join('')}\n`)
for (const flood of FLOODS) {
  for (const inFlight of IN_FLIGHT) {
    const cells: string[] = []
    for (const name of brokers) cells.push(shown(await measure(name, inFlight, flood)))
    process.stdout.write(`${flood[0].padEnd(18)}${String(inFlight).padStart(9)}  ${cells.join('')}\n`)
  }
}
