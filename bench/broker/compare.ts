import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '@jamey/testing'
import { type Load, run } from './load.js'

/**
 * Our broker against Mosquitto, in turn, under the same load: messages per second and their ratio.
 *
 *     npx tsc -b bench/broker && node bench/broker/dist/compare.js [part of a load's name, such as 20QoS0]
 */

const MOSQUITTO = '/usr/sbin/mosquitto'
const ROUNDS = 3
const LOADS: (Load & { name: string })[] = [
  { name: '1 -> 1  QoS 0', qos: 0, subscribers: 1, payloadBytes: 256, milliseconds: 1500 },
  { name: '1 -> 1  QoS 1', qos: 1, subscribers: 1, payloadBytes: 256, milliseconds: 1500 },
  { name: '1 -> 20 QoS 0', qos: 0, subscribers: 20, payloadBytes: 256, milliseconds: 1500 },
  { name: '1 -> 20 QoS 1', qos: 1, subscribers: 20, payloadBytes: 256, milliseconds: 1500 },
]

interface Broker {
  port: number
  process: ChildProcess
}

async function startOurs(): Promise<Broker> {
  const program = fileURLToPath(new URL('./server.js', import.meta.url))
  const flags = (process.env['BENCH_NODE_FLAGS'] ?? '').split(' ').filter(Boolean)
  const child = spawn(process.execPath, [...flags, program], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  return { port: Number(line.toString()), process: child }
}

async function startMosquitto(folder: string): Promise<Broker> {
  const port = await freePort()
  const config = join(folder, 'mosquitto.conf')
  const settings = [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    'persistence false',
    'log_type none',
    'set_tcp_nodelay true',
    'max_queued_messages 0',
    'max_inflight_messages 0',
  ]
  writeFileSync(config, settings.join('\n'))
  const child = spawn(MOSQUITTO, ['-c', config], { stdio: ['pipe', 'inherit', 'inherit'] })
  while (!(await accepts(port))) if (child.exitCode !== null) throw new Error('mosquitto did not start')
  return { port, process: child }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => socket.end(() => resolve(true)))
    socket.once('error', () => resolve(false))
  })
}

async function best(broker: Broker, load: Load): Promise<number> {
  let most = 0
  for (let round = 0; round < ROUNDS; round++) most = Math.max(most, (await run(broker.port, load)).delivered)
  return most
}

const only = process.argv[2]
const folder = mkdtempSync(join(tmpdir(), 'bench-broker-'))
const brokers = [await startOurs()]
if (existsSync(MOSQUITTO)) brokers.push(await startMosquitto(folder))
process.stdout.write(
  `${new Date().toISOString()} node ${process.version}, ${cpus().length} cores, 256 bytes\n`,
)
process.stdout.write('deliveries/s        ours   mosquitto   ratio\n')
for (const load of LOADS) {
  if (only !== undefined && !load.name.replaceAll(' ', '').includes(only)) continue
  const figures: number[] = []
  for (const broker of brokers) figures.push(await best(broker, load))
  const [ours = 0, theirs] = figures
  const ratio = theirs === undefined ? '-' : `${(ours / theirs).toFixed(1)}x`
  process.stdout.write(
    `${load.name} ${String(ours).padStart(10)} ${String(theirs ?? '-').padStart(11)} ${ratio.padStart(7)}\n`,
  )
}
for (const { process: child } of brokers) {
  child.stdin?.end()
  if (child !== brokers[0]?.process) child.kill()
}
rmSync(folder, { recursive: true })
