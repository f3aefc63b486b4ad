import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { encodeAcknowledgement, encodePublish, type Publish } from '@jamey/protocol'
import { Peer } from './peer.js'

/**
 * What a long queue costs a broker that is killed and started again: until it listens, and while it is drained.
 *
 *     npx tsc -b bench/broker && node bench/broker/dist/recovery.js [sessions] [messages of each]
 *
 * Every session gets every message.
 */

const PUBLISHES_IN_FLIGHT = 1000
const SAMPLE_MS = 20
const PROPERTIES = { sessionExpiryInterval: 3600, receiveMaximum: 1000 }
const SUBSCRIPTION = {
  filter: 'queue',
  qos: 1,
  noLocal: false,
  retainAsPublished: false,
  retainHandling: 0,
} as const
const PUBLISH: Publish = {
  type: 'publish',
  topic: 'queue',
  payload: Buffer.alloc(256, 'x'),
  qos: 1,
  retain: false,
  dup: false,
  packetIdentifier: 1,
  properties: undefined,
}

interface Server {
  process: ChildProcess
  port: number
  /** Of opening the store, restoring and listening. */
  milliseconds: number
}

async function start(folder: string): Promise<Server> {
  const program = fileURLToPath(new URL('./durable-server.js', import.meta.url))
  const child = spawn(process.execPath, [program, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const [port = 0, milliseconds = 0] = line.toString().split(' ').map(Number)
  return { process: child, port, milliseconds }
}

async function kill({ process: child }: Server): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'exit')
}

/** The process's own memory in MiB: not the mapped file, which the system takes back when it needs to. */
function memoryOf({ process: child }: Server): number {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
  return Math.round(Number(/RssAnon:\s+(\d+)/.exec(status)?.[1]) / 1024)
}

async function fill(port: number, sessions: number, messages: number): Promise<number> {
  for (let n = 0; n < sessions; n++) {
    const peer = await Peer.open(port, `s${n}`, PROPERTIES)
    const subscriptions = [SUBSCRIPTION]
    await peer.ask({ type: 'subscribe', packetIdentifier: 1, subscriptions, properties: undefined })
    peer.socket.destroy()
  }
  const publisher = await Peer.open(port, 'publisher', {})
  const from = performance.now()
  let sent = 0
  let acknowledged = 0
  const send = (): void => {
    while (sent < messages && sent - acknowledged < PUBLISHES_IN_FLIGHT) {
      PUBLISH.packetIdentifier = 1 + (sent++ % 65_535)
      encodePublish(publisher.writer, PUBLISH, 5)
    }
  }
  await new Promise<void>((resolve) => {
    publisher.onPacket = (packet) => {
      if (packet.type === 'puback') acknowledged++
      send()
      if (acknowledged === messages) resolve()
    }
    send()
    publisher.flush()
  })
  publisher.socket.destroy()
  return (performance.now() - from) / 1000
}

/** All sessions, which come one after the other; resolves when each has what waited for it. */
async function drain(port: number, sessions: number, messages: number): Promise<void> {
  const drained: Promise<void>[] = []
  for (let n = 0; n < sessions; n++) {
    let left = messages
    let onDrained = (): void => {}
    drained.push(
      new Promise<void>((resolve) => {
        onDrained = resolve
      }),
    )
    await Peer.open(port, `s${n}`, PROPERTIES, (packet, { writer }) => {
      if (packet.type !== 'publish') return
      encodeAcknowledgement(writer, 'puback', packet.packetIdentifier, 0, 5)
      if (--left === 0) onDrained()
    })
  }
  await Promise.all(drained)
}

const [sessions = 1, messages = 1_000_000] = process.argv.slice(2).map(Number)
const folder = mkdtempSync(join(tmpdir(), 'bench-recovery-'))
const say = (text: string): boolean => process.stdout.write(`${text}\n`)
try {
  say(`${sessions} sessions, ${messages} messages of 256 bytes for each`)
  const first = await start(folder)
  const seconds = await fill(first.port, sessions, messages)
  say(`filled at ${Math.round((sessions * messages) / seconds)}/s; own memory ${memoryOf(first)} MiB; killed`)
  await kill(first)
  const second = await start(folder)
  const before = memoryOf(second)
  say(`listened after ${second.milliseconds} ms; own memory ${before} MiB`)
  let peak = before
  const timer = setInterval(() => {
    peak = Math.max(peak, memoryOf(second))
  }, SAMPLE_MS)
  const from = performance.now()
  await drain(second.port, sessions, messages)
  clearInterval(timer)
  const rate = Math.round((sessions * messages) / ((performance.now() - from) / 1000))
  say(`drained at ${rate}/s; own memory at most ${peak} MiB`)
  await kill(second)
} finally {
  rmSync(folder, { recursive: true })
}
