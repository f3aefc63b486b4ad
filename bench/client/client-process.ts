import { BareLoop } from './bare-loop.js'
import { Gauge } from './gauge.js'
import type { ClientJob, ClientReport } from './job.js'
import { messageOf, takeJob, tell } from './role.js'
import {
  busWork,
  connectPeer,
  type Done,
  peerOptionsOf,
  publishing,
  receiving,
  requesting,
  roundTrips,
} from './work.js'

/** One client in a process of its own: one run of one row. */

const WORKS = { publish: publishing, receive: receiving, 'round-trip': roundTrips, request: requesting }

async function run(job: ClientJob, onFailure: (error: unknown) => void): Promise<Done> {
  const gauge = new Gauge()
  const { side, task } = job
  if (side === 'bare') return bareRun(job, gauge)
  const options = peerOptionsOf(job, onFailure)
  if (side === 'ours' && task.isBus) return busWork(job, options, gauge)
  return WORKS[task.work](await connectPeer(job, options), job, gauge)
}

async function bareRun({ port, task, plan }: ClientJob, gauge: Gauge): Promise<Done> {
  const loop = await BareLoop.connect(port, gauge)
  if (task.work === 'receive') await loop.receive(task.qos)
  else loop.publish(task)
  const figures = await gauge.measure(plan)
  return { figures, counts: await loop.stop(task) }
}

const job = await takeJob<ClientJob>()
const report = await new Promise<ClientReport>((resolve) => {
  const onFailure = (error: unknown): void => resolve({ type: 'failed', message: messageOf(error) })
  process.once('uncaughtException', onFailure)
  process.once('unhandledRejection', onFailure)
  run(job, onFailure).then((done) => resolve({ type: 'done', ...done }), onFailure)
})
await tell(report)
process.exit()
