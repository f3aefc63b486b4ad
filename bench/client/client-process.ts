import { Gauge } from '../kit/gauge.js'
import { report, takeJob } from '../kit/role.js'
import { BareLoop } from './bare-loop.js'
import type { ClientJob } from './job.js'
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

async function bareRun({ port, task, plan, certificates }: ClientJob, gauge: Gauge): Promise<Done> {
  const loop = await BareLoop.connect(port, certificates?.ca, gauge)
  if (task.work === 'receive') await loop.receive(task.qos)
  else loop.publish(task)
  const figures = await gauge.measure(plan)
  return { figures, counts: await loop.stop(task) }
}

const job = await takeJob<ClientJob>()
await report((onFailure) => run(job, onFailure))
