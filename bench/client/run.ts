import { eventEnvelope } from './bus-side.js'
import { Child, Mosquitto } from './children.js'
import type { Figures, GaugePlan } from './gauge.js'
import type { ClientJob, ClientReport, Counts, Side, Task } from './job.js'
import { messageOf } from './role.js'
import type { Certificates, SinkJob, SinkReady, SinkTotals } from './sink.js'
import { temporaryFolder } from './temporary.js'

/** How a run ended: with figures, or with the reason why there are none. */
export type Outcome = { readonly figures: Figures } | { readonly failure: string }

export interface RunOptions {
  readonly task: Task
  readonly side: Side
  readonly certificates: Certificates
  readonly plan: Omit<GaugePlan, 'watched'>
}

interface Server {
  readonly child: Child | Mosquitto
  readonly port: number
}

/** One run of one client: its server, whoever answers it, and itself, all started anew and all gone afterwards. */
export async function run(options: RunOptions): Promise<Outcome> {
  const { task } = options
  const folder = temporaryFolder()
  const client = new Child('client-process')
  const responder = task.work === 'request' ? new Child('responder-process') : undefined
  const started: { stop(): Promise<void> }[] = responder === undefined ? [client] : [client, responder]
  try {
    const server = await startServer(options)
    started.push(server.child)
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
    if (server.child instanceof Child && task.via === 'sink') {
      const fault = faultOf(task, report.counts, await server.child.next<SinkTotals>())
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
  if (task.via === 'mosquitto') {
    const mosquitto = await Mosquitto.start()
    return { child: mosquitto, port: mosquitto.port }
  }
  const shown = task.isTls ? certificates : undefined
  const child = new Child(task.via === 'sink' ? 'sink-process' : 'broker-process')
  child.give(task.via === 'sink' ? sinkJob(task, shown) : { certificates: shown })
  try {
    const { port } = await child.next<SinkReady>()
    return { child, port }
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
    plan: { ...plan, watched: [server.child.pid] },
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
