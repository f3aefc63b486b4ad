import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@jamey/mqtt'
import { FaultProxy, until } from '@jamey/testing'
import { expect, it, onTestFinished } from 'vitest'
import { type ChaosBroker, mosquitto, ourBroker } from './chaos-broker.js'
import { Publisher } from './publisher.js'

/** CHAOS=full is the big run; CHAOS_MESSAGES and CHAOS_KILLS change either. */
const isFull = process.env.CHAOS === 'full'
const messages = Number(process.env.CHAOS_MESSAGES ?? (isFull ? 200_000 : 20_000))
/** Of the broker, and as many of the publishing process. */
const kills = Number(process.env.CHAOS_KILLS ?? (isFull ? 20 : 8))
const timeoutMs = isFull ? 3_600_000 : 120_000

const brokers: Record<string, (folder: string) => Promise<ChaosBroker>> = { ours: ourBroker, mosquitto }

/** How often each payload came. */
async function startSubscriber(port: number): Promise<Map<string, number>> {
  const seen = new Map<string, number>()
  const client = await connect({
    url: `mqtt://127.0.0.1:${port}`,
    clientId: 'chaos-subscriber',
    cleanStart: false,
    connectTimeoutMs: 1000,
    pingTimeoutMs: 1000,
    keepAliveSeconds: 2,
    reconnect: { baseDelayMs: 20, maxDelayMs: 200, failuresBeforeOpen: Number.POSITIVE_INFINITY },
    onBackgroundError: () => {},
  })
  onTestFinished(async () => void (await client.close({ drain: false })))
  await client.subscribe('chaos/data', { qos: 1 }, ({ payload }) => {
    const text = Buffer.from(payload).toString()
    seen.set(text, (seen.get(text) ?? 0) + 1)
  })
  return seen
}

it.each(Object.keys(brokers))(
  `every message reported stored arrives, although the broker (%s) and the publisher are killed ${kills} times each [promise 3] [promise 33]`,
  { timeout: timeoutMs },
  async (name) => {
    const folder = mkdtempSync(join(tmpdir(), 'jamey-chaos-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const broker = await (brokers[name] as (folder: string) => Promise<ChaosBroker>)(join(folder, 'broker'))
    await broker.start()
    const proxy = await FaultProxy.listen(broker.port)
    onTestFinished(() => proxy.close())
    onTestFinished(() => broker.kill(proxy))
    const seen = await startSubscriber(proxy.port)

    const stored: string[] = []
    const begin = (life: number): Publisher => {
      const url = `mqtt://127.0.0.1:${proxy.port}`
      return new Publisher(url, join(folder, 'outbox'), life, stored.length, messages - stored.length)
    }
    let publisher = begin(0)
    for (let event = 1; event <= 2 * kills; event++) {
      const due = Math.floor((event * messages) / (2 * kills + 1))
      await publisher.reached(due - stored.length)
      if (event % 2 === 1) {
        await broker.kill(proxy)
        proxy.faults = { delayMs: event % 4 }
        proxy.cutAll()
        await broker.start()
      } else {
        await publisher.kill()
        stored.push(...publisher.stored)
        publisher = begin(event)
      }
    }
    expect(await publisher.ended).toBe(true)
    stored.push(...publisher.stored)
    expect(stored.length).toBe(messages)
    await until(() => stored.every((payload) => seen.has(payload)), 30_000).catch(() => {})
    expect(stored.filter((payload) => !seen.has(payload))).toEqual([])

    const arrived = [...seen.values()].reduce((sum, count) => sum + count, 0)
    process.stdout.write(
      `chaos with ${name}: ${stored.length} stored, ${arrived} arrived, ${arrived - seen.size} duplicates, ` +
        `${seen.size - stored.length} stored without a report, ${kills} kills of each\n`,
    )
  },
)
