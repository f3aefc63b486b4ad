import { setImmediate as turn } from 'node:timers/promises'
import { messageOf, takeJob, tell } from '../kit/role.js'
import { connectBenchBus, REQUESTED } from './bus-side.js'
import type { ClientJob } from './job.js'
import type { Peer, Received } from './peer.js'
import { connectPeer, peerOptionsOf, REQUEST_TOPIC } from './work.js'

/**
 * Who answers the requests, with the same client as who asks them, in a process of its own. It answers in the turn
 * after the one that brought the request, as a handler does that awaited anything.
 */

async function serve(job: ClientJob): Promise<void> {
  const options = { ...peerOptionsOf(job, fail), clientId: 'bench-responder' }
  if (job.side === 'ours' && job.task.isBus) {
    const bus = await connectBenchBus(options)
    await bus.serve(REQUESTED, { group: 'bench' }, async () => {
      await turn()
      return { forgotten: 1 }
    })
    return
  }
  const peer = await connectPeer(job, options)
  await peer.subscribe(REQUEST_TOPIC, job.task.qos, async (payload, received) => {
    await turn()
    answer(peer, job, payload, received)
  })
}

function answer(peer: Peer, { task }: ClientJob, payload: Uint8Array, received: Received): void {
  const { responseTopic, correlationData } = received
  if (responseTopic === undefined || correlationData === undefined)
    throw new Error('a request without address')
  peer.publish(responseTopic, viewOf(payload), task.qos, settling, {
    correlationData: viewOf(correlationData),
  })
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}

function fail(error: unknown): void {
  process.stderr.write(`responder: ${messageOf(error)}\n`)
  process.exit(1)
}

const settling = {
  onSettled: () => {},
  onFailed: fail,
  callback: (error?: unknown) => {
    if (error != null) fail(error)
  },
}

await serve(await takeJob<ClientJob>()).catch(fail)
await tell({ isReady: true })
