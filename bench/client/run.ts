import { startBroker } from '../kit/brokers.js'
import type { Certificates } from '../kit/certificates.js'
import { Child } from '../kit/children.js'
import type { Figures, GaugePlan } from '../kit/gauge.js'
import { messageOf } from '../kit/role.js'
import { temporaryFolder } from '../kit/temporary.js'
import { eventEnvelope } from './bus-side.js'
import type { ClientJob, ClientReport, Counts, Side, Task } from './job.js'
import type { SinkJob, SinkReady, SinkTotals } from './sink.js'

/** How a run ended: with figures, or with the reason why there are none. */
export type Outcome = { readonly figures: Figures } | { readonly failure: string }

export interface RunOptions {
  readonly task: Task
  readonly side: Side
  readonly certificates: Certificates
  readonly plan: Omit<GaugePlan, 'watched'>
}

interface Server {
  readonly pid: number
  readonly port: number
  /** Where it is a sink. */
  readonly totals?: () => Promise<SinkTotals>
  stop(): Promise<void>
}

const program = (name: string): URL => new URL(`./${name}.js`, import.meta.url)

/** One run of one client: its server, whoever answers it, and itself, all started anew and all gone afterwards. */
export async function run(options: RunOptions): Promise<Outcome> {
  const { task } = options
  const folder = temporaryFolder()
  const client = new Child(program('client-process'))
  const responder = task.work === 'request' ? new Child(program('responder-process')) : undefined
  const started: { stop(): Promise<void> }[] = responder === undefined ? [client] : [client, responder]
  try {
    const server = await startServer(options)
    started.push(server)
    const job = clientJob(options, server, folder.path)
    if (responder !== undefined) {
      responder.give(job)
      await responder.next()
      job.plan.watched.push(responder.pid)
    }
    client.give(job)
    const answered = client.next<ClientReport>()
    // Without its responder the client would wait for good.
    const report = await (responder === undefined ? answered : Promise.race([answered, responder.ended()]))
    if (report.type === 'failed') return { failure: report.message }
    if (report.figures.messages === 0) return { failure: 'no message in the whole window' }
    if (server.totals !== undefined) {
      const fault = faultOf(task, report.counts, await server.totals())
      if (fault !== undefined) return { failure: fault }
    }
    return { figures: report.figures }
  } catch (error) {
    return { failure: messageOf(error) }
  } finally {
    for (const child of started) await child.stop()
    folder.remove()
  }
}

async function startServer({ task, certificates }: RunOptions): Promise<Server> {
  const shown = task.isTls ? certificates : undefined
  if (task.via !== 'sink') {
    return startBroker(task.via === 'broker' ? 'jamey' : 'mosquitto', { certificates: shown })
  }
  const child = new Child(program('sink-process'))
  child.give(sinkJob(task, shown))
  try {
    const { port } = await child.next<SinkReady>()
    return { port, pid: child.pid, totals: () => child.next<SinkTotals>(), stop: () => child.stop() }
  } catch (error) {
    await child.stop()
    throw error
  }
}

function sinkJob(task: Task, certificates: Certificates | undefined): SinkJob {
  if (task.work !== 'receive') return { certificates }
  const payload = task.isBus ? eventEnvelope().toString() : task.payloadBytes
  return { certificates, blast: { qos: task.qos, window: task.window, payload } }
}

function clientJob(
  options: RunOptions,
  server: Server,
  storePath: string,
): ClientJob & { plan: { watched: number[] } } {
  const { task, side, certificates, plan } = options
  return {
    side,
    task,
    port: server.port,
    certificates: task.isTls ? certificates : undefined,
    storePath,
    plan: { ...plan, watched: [server.pid] },
  }
}

/** What is wrong with the counts; a benchmark of lost messages would be worth nothing. */
function faultOf(task: Task, client: Counts, sink: SinkTotals): string | undefined {
  const [fault] = sink.faults
  if (fault !== undefined) return `the sink saw ${fault}`
  if (task.work === 'publish') {
    return client.published === sink.received
      ? undefined
      : `${client.published} messages were published, and ${sink.received} came`
  }
  if (client.received !== sink.sent) return `${sink.sent} messages were sent, and ${client.received} came`
  return task.qos === 0 || sink.acknowledged === sink.sent
    ? undefined
    : `${sink.sent} messages were sent, and ${sink.acknowledged} acknowledged`
}
