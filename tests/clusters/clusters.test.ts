import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Client, connect } from '@jamey/mqtt'
import { until } from '@jamey/testing'
import { expect, it, onTestFinished } from 'vitest'
import type { Cluster } from './cluster.js'
import { haproxy } from './haproxy.js'
import { natsCluster } from './nats.js'
import { rabbitCluster } from './rabbitmq.js'

const PER_SECOND = 200
const TOPIC = 'clusters/data'
const RECOVERY_MS = 60_000

const clusters: Record<string, (folder: string) => Promise<Cluster>> = {
  'RabbitMQ, quorum queues': rabbitCluster,
  'NATS, JetStream with three copies': natsCluster,
}

/** The ways to a cluster: a list of its nodes that begins with this one, or a load balancer before all of them. */
type Way = (node: number) => readonly string[]

const listed =
  ({ ports }: Cluster): Way =>
  (node) =>
    [0, 1, 2].map((i) => `mqtt://127.0.0.1:${ports[(node + i) % 3]}`)

async function balanced({ ports }: Cluster): Promise<Way> {
  const balancer = await haproxy({ ports, source: '127.0.0.1', tellsAddress: false })
  onTestFinished(() => balancer.close())
  return () => [`mqtt://127.0.0.1:${balancer.port}`]
}

async function connected(urls: readonly string[], clientId: string): Promise<Client> {
  const client = await connect({
    urls,
    clientId,
    protocolVersion: 4,
    cleanStart: false,
    cleanSession: false,
    credentials: { username: 'guest', password: 'guest' },
    waitForConnection: false,
    reconnect: { failuresBeforeOpen: Number.POSITIVE_INFINITY },
    onBackgroundError: () => {},
  })
  onTestFinished(() => client.close({ drain: false, timeoutMs: 1000 }).then(() => {}))
  return client
}

interface Ledger {
  readonly acknowledged: { number: number; atMs: number }[]
  /** How often each came, and when first. */
  readonly arrived: Map<number, { times: number; atMs: number }>
}

async function receive(client: Client, { arrived }: Ledger): Promise<void> {
  await client.subscribe(TOPIC, { qos: 1 }, ({ payload }) => {
    const number = Number(Buffer.from(payload).toString())
    const known = arrived.get(number)
    if (known === undefined) arrived.set(number, { times: 1, atMs: performance.now() })
    else known.times++
  })
}

/** Publishes numbers at a steady rate until it is stopped; resolves once all are settled. */
function publishAt(client: Client, ledger: Ledger, first: number): () => Promise<number> {
  const waiting: Promise<void>[] = []
  const fromMs = performance.now()
  const pace = setInterval(() => {
    const due = ((performance.now() - fromMs) / 1000) * PER_SECOND
    while (waiting.length < due) {
      const number = first + waiting.length
      waiting.push(
        client.publish(TOPIC, String(number), { qos: 1 }).then(
          () => void ledger.acknowledged.push({ number, atMs: performance.now() }),
          () => {},
        ),
      )
    }
  }, 5)
  return async () => {
    clearInterval(pace)
    await Promise.all(waiting)
    return waiting.length
  }
}

const first = (times: readonly number[], afterMs: number) =>
  times.reduce((best, atMs) => (atMs > afterMs && atMs < best ? atMs : best), Number.POSITIVE_INFINITY) -
  afterMs

async function start(name: string): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), 'jamey-cluster-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const cluster = await (clusters[name] as (folder: string) => Promise<Cluster>)(folder)
  onTestFinished(() => cluster.close())
  await cluster.whole()
  return cluster
}

it.each(Object.keys(clusters))(
  '%s: no acknowledged message is lost when the node of publisher and subscriber is killed, each in turn',
  { timeout: 900_000 },
  async (name) => {
    const cluster = await start(name)
    for (const node of [0, 1, 2]) await killUnderLoad(name, cluster, listed(cluster), node)
  },
)

it.each(Object.keys(clusters))(
  '%s behind HAProxy: no acknowledged message is lost when the node that it gives to everybody is killed',
  { timeout: 900_000 },
  async (name) => {
    const cluster = await start(name)
    await killUnderLoad(`${name}, behind HAProxy`, cluster, await balanced(cluster), 0)
  },
)

/** Kills the node that publisher and subscriber are at, and makes the cluster whole again. */
async function killUnderLoad(name: string, cluster: Cluster, way: Way, node: number): Promise<void> {
  const ledger: Ledger = { acknowledged: [], arrived: new Map() }
  const [publisher, subscriber] = [
    await connected(way(node), `publisher-${node}`),
    await connected(way(node), `subscriber-${node}`),
  ]
  await receive(subscriber, ledger)
  const stop = publishAt(publisher, ledger, 0)
  await until(() => ledger.arrived.size > 2 * PER_SECOND, RECOVERY_MS)
  const killedMs = performance.now()
  await cluster.kill(node)
  const isBack = () =>
    ledger.acknowledged.some(({ atMs }) => atMs > killedMs + 100) && publisher.state === 'connected'
  await until(() => publisher.stats().connects > 1 && isBack(), RECOVERY_MS)
  const back = ledger.arrived.size
  await until(() => ledger.arrived.size > back + 2 * PER_SECOND, RECOVERY_MS)
  const sent = await stop()
  const lost = () => ledger.acknowledged.filter(({ number }) => !ledger.arrived.has(number)).length
  await until(() => lost() === 0, RECOVERY_MS).catch(() => {})
  const copies = [...ledger.arrived.values()].reduce((sum, { times }) => sum + times - 1, 0)
  // The nodes that are left tell when the first message published after the kill went through.
  const acknowledgedMs =
    first(
      ledger.acknowledged.map(({ atMs }) => atMs),
      killedMs + 100,
    ) + 100
  const arrivedMs =
    first(
      [...ledger.arrived.values()].map(({ atMs }) => atMs),
      killedMs + 100,
    ) + 100
  console.info(
    `${name}, node ${node + 1} killed at ${PER_SECOND} a second: ${sent} sent, ${ledger.acknowledged.length} acknowledged, ` +
      `${lost()} lost, ${copies} duplicates; acknowledging again after ${Math.round(acknowledgedMs)} ms, ` +
      `arriving after ${Math.round(arrivedMs)} ms`,
  )
  expect(lost()).toBe(0)
  expect(ledger.acknowledged.length).toBe(sent)
  await Promise.all([publisher.close({ drain: false }), subscriber.close({ drain: false })])
  await cluster.whole()
}
