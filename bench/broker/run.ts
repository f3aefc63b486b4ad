import { type BrokerName, protocolVersionOf, startBroker } from '../kit/brokers.js'
import type { Certificates } from '../kit/certificates.js'
import { Child } from '../kit/children.js'
import { messageOf } from '../kit/role.js'
import { temporaryFolder } from '../kit/temporary.js'
import type { LoadFigures, LoadJob, LoadReport, Task } from './load-job.js'
import { startRelay } from './relay.js'

/** A broker, ours that tells who sent each message, or the relay that is none and shows what the load generator can do. */
export type Side = BrokerName | 'stamped' | 'bare'

/** How a run ended: with figures, or with the reason why there are none. */
export type Outcome = { readonly figures: LoadFigures } | { readonly failure: string }

export interface RunOptions {
  readonly task: Task
  readonly side: Side
  readonly certificates: Certificates
  readonly warmUpMs: number
  readonly windowMs: number
}

/** One run of one broker: it and the load are started anew, and gone afterwards. */
export async function run(options: RunOptions): Promise<Outcome> {
  const { task, side, warmUpMs, windowMs } = options
  const folder = temporaryFolder()
  const load = new Child(new URL('./load-process.js', import.meta.url))
  const started: { stop(): Promise<void> }[] = [load]
  try {
    const certificates = task.isTls ? options.certificates : undefined
    const storePath = task.isPersistent ? folder.path : undefined
    const name = side === 'stamped' ? 'jamey' : side
    const isStamped = side === 'stamped'
    const broker =
      name === 'bare'
        ? await startRelay(certificates)
        : await startBroker(name, { certificates, storePath, isStamped })
    started.push(broker)
    const job: LoadJob = {
      task,
      port: broker.port,
      protocolVersion: name === 'bare' ? 5 : protocolVersionOf(name),
      ca: certificates?.ca,
      pid: broker.pid,
      warmUpMs,
      windowMs,
    }
    load.give(job)
    const report = await load.next<LoadReport>()
    return report.type === 'failed' ? { failure: report.message } : { figures: report.figures }
  } catch (error) {
    return { failure: messageOf(error) }
  } finally {
    for (const child of started) await child.stop()
    folder.remove()
  }
}
