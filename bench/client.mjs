/**
 * The client against a sink on the same machine, next to MQTT.js, each in turn in the same process.
 *
 *     npm run build && node bench/client.mjs [seconds per run]
 *
 * Only the ratios mean something. The sink is a process of its own that answers with as little work as it can.
 */
import { fork } from 'node:child_process'
import { createServer } from 'node:net'
import { connect } from '@jamey/mqtt'
import { Decoder, encode, encodeAcknowledgement, PublishFrame, Writer } from '@jamey/protocol'
import { connectAsync } from 'mqtt'

const SECONDS = Number(process.argv[2] ?? 2)
const IN_FLIGHT = 500
const TOPIC = 'bench/topic'
const PAYLOAD = Buffer.alloc(256, 'x')

/** Accepts everything and acknowledges it; to a subscriber it sends messages without end, at the QoS subscribed. */
function serve() {
  const server = createServer({ noDelay: true }, (socket) => {
    const decoder = new Decoder({ from: 'client' })
    const writer = new Writer()
    let blast
    const flush = () => {
      for (const chunk of writer.take()) socket.write(chunk)
    }
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      decoder.push(chunk)
      for (let packet = decoder.next(); packet !== undefined; packet = decoder.next()) {
        const { packetIdentifier } = packet
        if (packet.type === 'publish') {
          if (packet.qos === 0) return swallow(socket)
          encodeAcknowledgement(writer, 'puback', packetIdentifier, 0, 5)
        } else if (packet.type === 'puback') blast?.acknowledged()
        else if (packet.type === 'connect') {
          encode(writer, { type: 'connack', sessionPresent: false, reasonCode: 0, properties: undefined }, 5)
        } else if (packet.type === 'subscribe') {
          const { qos } = packet.subscriptions[0]
          encode(writer, { type: 'suback', packetIdentifier, reasonCodes: [qos], properties: undefined }, 5)
          blast = startBlast(socket, writer, flush, qos)
        }
      }
      flush()
    })
    socket.on('drain', () => blast?.fill())
  })
  server.listen(0, '127.0.0.1', () => process.send(server.address().port))
}

/** Messages at QoS 0 expect nothing, so they are not even looked at. */
function swallow(socket) {
  socket.removeAllListeners('data')
  socket.resume()
}

function startBlast(socket, writer, flush, qos) {
  const message = { type: 'publish', topic: TOPIC, payload: PAYLOAD, qos, retain: false, dup: false }
  const frame = new PublishFrame({ ...message, packetIdentifier: 1, properties: undefined }, 5)
  let unacknowledged = 0
  let next = 0
  const fill = () => {
    while (!socket.destroyed && socket.writableLength < 65_536 && (qos === 0 || unacknowledged < IN_FLIGHT)) {
      for (let i = 0; i < 100; i++) {
        next = next === 65_535 ? 1 : next + 1
        frame.writeTo(writer, next)
      }
      unacknowledged += 100
      flush()
    }
  }
  setImmediate(fill)
  return {
    fill,
    acknowledged() {
      unacknowledged--
      if (unacknowledged < IN_FLIGHT) setImmediate(fill)
    },
  }
}

const OURS = {
  connect: (port) => connect({ url: `mqtt://127.0.0.1:${port}`, receiveMaximum: 65_535 }),
  publish: (client, qos) => client.publish(TOPIC, PAYLOAD, { qos }),
  subscribe: (client, qos, count) => client.subscribe(TOPIC, { qos }, count),
  close: (client) => client.close({ drain: false }),
}

const MQTT_JS = {
  connect: (port) => connectAsync(`mqtt://127.0.0.1:${port}`, { protocolVersion: 5, reconnectPeriod: 0 }),
  publish: (client, qos) => client.publishAsync(TOPIC, PAYLOAD, { qos }),
  subscribe: async (client, qos, count) => {
    client.on('message', count)
    await client.subscribeAsync(TOPIC, { qos })
  },
  close: (client) => client.endAsync(true),
}

async function publishing(api, client, qos) {
  let done = 0
  const endsAt = performance.now() + SECONDS * 1000
  const one = async () => {
    while (performance.now() < endsAt) {
      // A look at the clock per message would be a good part of the work.
      for (let i = 0; i < 50; i++) await api.publish(client, qos)
      done += 50
    }
  }
  await Promise.all(Array.from({ length: qos === 0 ? 1 : IN_FLIGHT }, one))
  return done
}

async function receiving(api, client, qos) {
  let received = 0
  await api.subscribe(client, qos, () => {
    received++
  })
  await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000))
  return received
}

async function measure(api, run, qos) {
  const child = fork(new URL(import.meta.url), [], { serialization: 'advanced' })
  const port = await new Promise((resolve) => child.once('message', resolve))
  const client = await api.connect(port)
  const startedAt = performance.now()
  const cpu = process.cpuUsage()
  const count = await run(api, client, qos)
  const seconds = (performance.now() - startedAt) / 1000
  const { user, system } = process.cpuUsage(cpu)
  await api.close(client)
  child.kill()
  return { perSecond: count / seconds, cpuMicros: (user + system) / count }
}

async function main() {
  const shown = ({ perSecond, cpuMicros }) =>
    `${(perSecond / 1000).toFixed(0).padStart(6)} k/s ${cpuMicros.toFixed(2).padStart(6)} us`
  for (const [name, run, qos] of [
    ['publish QoS 0', publishing, 0],
    ['publish QoS 1', publishing, 1],
    ['receive QoS 0', receiving, 0],
    ['receive QoS 1', receiving, 1],
  ]) {
    const theirs = await measure(MQTT_JS, run, qos)
    const ours = await measure(OURS, run, qos)
    const ratio = (ours.perSecond / theirs.perSecond).toFixed(1)
    console.log(`${name}   MQTT.js ${shown(theirs)}   @jamey/mqtt ${shown(ours)}   x ${ratio}`)
  }
}

if (process.send === undefined) await main()
else serve()
