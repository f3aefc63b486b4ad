import type { ClientStats } from '@jamey/mqtt'
import { Renewals } from './renewals.js'
import type { ClientReport, Latency, Order } from './reports.js'
import { Retained } from './retained.js'
import { Returners } from './returners.js'
import { SlowConsumers } from './slow-consumers.js'
import { Steady } from './steady.js'
import { obeyOrders } from './subordinate-side.js'
import { Vanishers } from './vanishers.js'
import { Visitors } from './visitors.js'
import { countHandles, Vitals } from './vital-signs.js'
import { Wanderers } from './wanderers.js'
import { Workers } from './workers.js'
import { pause, type Role, World, type WorldOptions } from './world.js'

/** All clients of a soak, in a process of their own. */
const CALIBRATION_MS = 24_000
/** How long what is on its way may take to arrive at the end. */
const SETTLE_MS = 60_000

const vitals = new Vitals()
let world: World | undefined
let steady: Steady | undefined
let roles: readonly Role[] = []

async function start(options: WorldOptions, rate: number | undefined): Promise<number> {
  const own = new World(options)
  world = own
  steady = new Steady(own)
  process.on('uncaughtException', (error) => own.errors.note('uncaught', error))
  process.on('unhandledRejection', (error) => own.errors.note('unhandled', error))
  process.on('warning', (warning) => own.errors.note('warning', warning))
  await steady.start()
  const perSecond = rate ?? Math.round((await steady.calibrate(CALIBRATION_MS)) / 2)
  const others = [
    new Visitors(own),
    new Vanishers(own),
    new Returners(own),
    new Workers(own),
    new Wanderers(own),
    new SlowConsumers(own),
    new Retained(own),
    new Renewals(own),
  ]
  roles = [steady, ...others]
  for (const role of others) await role.start()
  steady.run(perSecond)
  return perSecond
}

function report(): ClientReport {
  if (world === undefined || steady === undefined) throw new Error('the clients were not started')
  const clients = [...world.steady.values()]
  const whys = clients.map((client) => client.explain().because)
  return {
    vitals: vitals.look(),
    roles: Object.fromEntries(roles.map(({ name, counts }) => [name, { ...counts }])),
    tallies: structuredClone(world.tallies),
    errors: world.errors.all,
    latency: takeLatency(steady),
    stats: sum(clients.map((client) => client.stats())),
    because: [...new Set(whys)].filter((why) => why !== 'Nothing is held up.'),
  }
}

function takeLatency({ latency }: Steady): Latency {
  const ms = (microseconds: number): number => (latency.count === 0 ? 0 : microseconds / 1000)
  const taken = {
    count: latency.count,
    p50Ms: ms(latency.percentile(50)),
    p99Ms: ms(latency.percentile(99)),
    maxMs: ms(latency.max),
  }
  latency.reset()
  return taken
}

function sum(all: readonly ClientStats[]): ClientStats {
  const total: Record<string, number> = {}
  for (const stats of all) {
    for (const [name, count] of Object.entries(stats) as [string, number][]) {
      total[name] = (total[name] ?? 0) + count
    }
  }
  return total as unknown as ClientStats
}

async function finish(): Promise<ClientReport> {
  // Renewals first, then the sources, then the rest: nobody is disturbed while the last messages arrive.
  for (const role of [...roles].reverse()) await role.stop()
  const endsAtMs = performance.now() + SETTLE_MS
  while (performance.now() < endsAtMs && !roles.every((role) => role.isComplete())) await pause(50)
  for (const role of roles) {
    if (!role.isComplete()) world?.errors.note(role.name, new Error('not everything arrived in time'))
  }
  // Its own numbers, before the clients are closed.
  const last = report()
  for (const role of roles) await role.finish()
  // What closes in the background has had its chance.
  await pause(2500)
  const { handlesByKind } = countHandles()
  vitals.stop()
  return {
    ...last,
    tallies: structuredClone(world?.tallies ?? {}),
    errors: world?.errors.all ?? {},
    left: handlesByKind,
  }
}

async function obey(order: Order): Promise<unknown> {
  switch (order.ask) {
    case 'start':
      return start(order.world, order.rate)
    case 'sample':
      return report()
    case 'finish':
      return finish()
    default:
      throw new Error(`the clients cannot ${order.ask}`)
  }
}

obeyOrders(obey)
