import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@jamey/testing'
import type { Certificates } from './certificates.js'
import { Child, Mosquitto } from './children.js'
import { temporaryFolder } from './temporary.js'

/** Whose broker: ours, Debian's Mosquitto, or Aedes, which is the other one in JavaScript. */
export type BrokerName = 'jamey' | 'mosquitto' | 'aedes'

export interface BrokerJob {
  /** TLS 1.3 with this; plain TCP without. */
  readonly certificates: Certificates | undefined
  /** State lies here; in memory without. Aedes has no store of its own, and keeps it in memory. */
  readonly storePath?: string | undefined
  /** Ours tells with every message who sent it. */
  readonly isStamped?: boolean | undefined
}

export interface RunningBroker {
  readonly port: number
  readonly pid: number
  /** Of its own work until it listened; undefined where it does not tell. */
  readonly milliseconds?: number | undefined
  /** SIGTERM by default. */
  stop(signal?: NodeJS.Signals): Promise<void>
}

/** One broker in a process of its own, everything allowed, its limits out of the way. */
export async function startBroker(name: BrokerName, job: BrokerJob): Promise<RunningBroker> {
  if (name === 'mosquitto') return startMosquitto(job)
  const child = new Child(new URL(`./${name}-process.js`, import.meta.url))
  child.give(job)
  try {
    const { port, milliseconds } = await child.next<{ port: number; milliseconds?: number }>()
    return { port, milliseconds, pid: child.pid, stop: (signal) => child.stop(signal) }
  } catch (error) {
    await child.stop()
    throw error
  }
}

/** Aedes speaks 3.1.1 alone. */
export function protocolVersionOf(name: BrokerName): 4 | 5 {
  return name === 'aedes' ? 4 : 5
}

async function startMosquitto({ certificates, storePath }: BrokerJob): Promise<RunningBroker> {
  const port = await freePort()
  const folder = temporaryFolder()
  const files = Object.entries(certificates ?? {}).map(([name, pem]) => {
    const path = join(folder.path, `${name}.pem`)
    writeFileSync(path, pem, { mode: 0o600 })
    return [name === 'ca' ? 'cafile' : `${name}file`, path] as const
  })
  const settings = [
    `listener ${port} 127.0.0.1`,
    ...files.map(([setting, path]) => `${setting} ${path}`),
    ...(certificates === undefined ? [] : ['tls_version tlsv1.3']),
    'allow_anonymous true',
    // Without, it steps down to a user that may not read these files.
    ...(process.getuid?.() === 0 ? ['user root'] : []),
    ...(storePath === undefined
      ? ['persistence false']
      : ['persistence true', `persistence_location ${storePath}/`]),
    'log_type none',
    'set_tcp_nodelay true',
    'max_queued_messages 0',
    'max_inflight_messages 0',
    'max_connections -1',
  ]
  const configPath = join(folder.path, 'mosquitto.conf')
  writeFileSync(configPath, `${settings.join('\n')}\n`)
  const mosquitto = new Mosquitto(configPath)
  const stop = async (signal?: NodeJS.Signals): Promise<void> => {
    await mosquitto.stop(signal)
    folder.remove()
  }
  try {
    await mosquitto.listens(port)
  } catch (error) {
    await stop()
    throw error
  }
  return { port, pid: mosquitto.pid, stop }
}
