import { readFileSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { pingOf, topics } from '@jamey/contracts'
import { median, significant } from '../kit/numbers.js'
import { temporaryFolder } from '../kit/temporary.js'
import { ask, warmUp } from './over-the-wire.js'
import { RunningSystem } from './running-system.js'

type Seen = readonly [place: string, atMs: number, tookMs: number | null]

const ALONE = 1_000
const TOGETHER = 20_000
const WINDOW = 512
const now = (): number => Number(process.hrtime.bigint()) / 1e6

/** Where the time of a verdict over MQTT goes: one after the other, and with 512 in flight; and what the disk takes. */
export async function legLines(): Promise<string> {
  const folder = temporaryFolder()
  const file = join(folder.path, 'legs.json')
  const probe = new URL('legs-probe.js', import.meta.url).href
  const system = await RunningSystem.start({ JAMEY_BENCH_LEGS: file }, ['--import', probe])
  const alone: [number, number][] = []
  const pings: number[] = []
  let together: readonly [number, number] = [0, 0]
  try {
    const bus = await system.connect()
    await warmUp(() => ask(bus))
    for (let i = 0; i < ALONE; i++) {
      const from = now()
      await ask(bus)
      alone.push([from, now()])
    }
    const ping = pingOf(topics.conscience.evaluate.topic, 'conscience')
    for (let i = 0; i < ALONE; i++) {
      const from = now()
      await bus.request(ping, {})
      pings.push(now() - from)
    }
    const from = now()
    let left = TOGETHER
    const loop = async (): Promise<void> => {
      while (left-- > 0) await ask(bus)
    }
    await Promise.all(Array.from({ length: WINDOW }, loop))
    together = [from, now()]
    await bus.close()
  } finally {
    await system.stop()
  }
  const seen = JSON.parse(readFileSync(file, 'utf8')) as Seen[]
  folder.remove()
  return [
    ...(await diskLines()),
    `the bus alone: a ping, answered where a verdict is asked for ${significant(median(pings))} ms`,
    'legs of a verdict, one after the other (medians, ms since it was asked; how long what begins there takes)',
    ...aloneLines(seen, alone),
    `with ${WINDOW} in flight (medians, ms)`,
    ...togetherLines(seen.filter(([, at]) => at >= together[0] && at <= together[1])),
  ].join('\n')
}

function aloneLines(seen: readonly Seen[], asked: readonly (readonly [number, number])[]): string[] {
  const places = new Map<string, { at: number[]; took: number[] }>()
  let i = 0
  for (const [from, to] of asked) {
    while (i < seen.length && (seen[i] as Seen)[1] < from) i++
    const known = new Set<string>()
    for (let j = i; j < seen.length && (seen[j] as Seen)[1] <= to; j++) {
      const [place, at, took] = seen[j] as Seen
      if (known.has(place)) continue
      known.add(place)
      const sums = places.get(place) ?? { at: [], took: [] }
      places.set(place, sums)
      sums.at.push(at - from)
      if (took !== null) sums.took.push(took)
    }
  }
  const lines = [...places]
    .map(([place, { at, took }]) => ({
      place,
      at: median(at),
      took: median(took),
      share: at.length / asked.length,
    }))
    .sort((a, b) => a.at - b.at)
    .map(({ place, at, took, share }) => {
      const often = share > 0.9 ? '' : `, in ${(100 * share).toFixed(0)} % of them`
      return `  ${significant(at).padStart(6)}  ${place}${Number.isNaN(took) ? '' : ` (${significant(took)})`}${often}`
    })
  const whole = asked.map(([from, to]) => to - from)
  return [...lines, `  ${significant(median(whole)).padStart(6)}  the answer is there`]
}

function togetherLines(seen: readonly Seen[]): string[] {
  const took = new Map<string, number[]>()
  for (const [place, , ms] of seen) {
    if (ms !== null) took.set(place, [...(took.get(place) ?? []), ms])
  }
  return [...took].map(
    ([place, all]) => `  ${significant(median(all)).padStart(6)}  ${place} (${all.length})`,
  )
}

/** What one synchronised write takes here, as the audit makes it, and as a file makes it whose blocks are there. */
async function diskLines(): Promise<string[]> {
  const folder = temporaryFolder()
  const path = join(folder.path, 'disk')
  const record = Buffer.alloc(1_200, 0x61)
  const measure = async (flags: string, isFilled: boolean): Promise<number> => {
    if (isFilled) writeFileSync(path, Buffer.alloc(1_048_576))
    const file = await open(path, flags)
    const tookMs: number[] = []
    for (let i = 0; i < 300; i++) {
      const from = performance.now()
      await file.write(record, 0, record.length, isFilled ? i * record.length : null)
      await file.datasync()
      tookMs.push(performance.now() - from)
    }
    await file.close()
    return median(tookMs)
  }
  const [appended, overwritten] = [await measure('a', false), await measure('r+', true)]
  folder.remove()
  return [
    `fdatasync of 1200 bytes: appended ${significant(appended)} ms, over what is there ${significant(overwritten)} ms`,
  ]
}
