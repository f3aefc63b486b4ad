import { BareClient } from '../kit/bare-client.js'
import { FrameRing } from '../kit/frame-ring.js'
import { takeJob, tell } from '../kit/role.js'
import type { FairnessJob } from './fairness-job.js'

/** A client that talks to itself, or one that publishes as fast as it is read from. Tells its count when asked. */

const { port, protocolVersion, clientId, payloadBytes, inFlight, subscribers } = await takeJob<FairnessJob>()
const topic = `fairness/${clientId}`
const connect = (id: string): Promise<BareClient> =>
  BareClient.connect({ port, protocolVersion, clientId: id })
const qos = inFlight === 0 ? 0 : 1
for (let i = 0; i < subscribers; i++) await (await connect(`${clientId}-${i}`)).subscribe([topic], 0)
const client = await connect(clientId)
const ring = new FrameRing({
  topics: [{ topic, properties: undefined }],
  qos,
  payload: Buffer.alloc(payloadBytes, 'x'),
  minimumFrames: qos === 0 ? 1 : 2 * inFlight,
  protocolVersion,
})
if (qos === 0) client.publish({ ring, qos, window: 0 }).fill()
else {
  await client.subscribe([topic], 1)
  const room = (): number => inFlight - (blaster.sent - client.acceptor.received)
  const blaster = client.publish({ ring, qos, window: inFlight, room })
  blaster.fill()
}
process.on('message', () => void tell({ received: client.acceptor.received }))
await tell({ received: 0 })
