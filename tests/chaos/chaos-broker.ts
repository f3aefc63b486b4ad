import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type FaultProxy, freePort, until } from '@jamey/testing'
import { listening } from '../interop/mosquitto.js'

/** A broker in a process of its own that keeps its state on disk. */
export interface ChaosBroker {
  readonly port: number
  /** Resolves once it accepts connections. */
  start(): Promise<void>
  /** As a power cut; `proxy` stands between it and the clients. */
  kill(proxy: FaultProxy): Promise<void>
}

export async function ourBroker(folder: string): Promise<ChaosBroker> {
  const port = await freePort()
  const script = fileURLToPath(new URL('broker-process.mjs', import.meta.url))
  let child: ChildProcess
  return {
    port,
    start: async () => {
      child = spawn(process.execPath, [script, String(port), folder], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      await once(child.stdout as NodeJS.ReadableStream, 'data')
    },
    kill: () => killed(child),
  }
}

/**
 * Mosquitto writes its state as a whole, on a signal. So that what it acknowledged is what it has on disk, nobody
 * hears of it any more before it writes, and it is killed after that.
 */
export async function mosquitto(folder: string): Promise<ChaosBroker> {
  const port = await freePort()
  mkdirSync(folder, { recursive: true })
  const database = join(folder, 'mosquitto.db')
  const config = join(folder, 'mosquitto.conf')
  writeFileSync(
    config,
    `allow_anonymous true
persistence true
persistence_location ${folder}/
autosave_interval 0
max_queued_messages 0
user root
listener ${port} 127.0.0.1
`,
  )
  let child: ChildProcess
  return {
    port,
    start: async () => {
      child = spawn('/usr/sbin/mosquitto', ['-c', config], { stdio: 'ignore' })
      await listening(port)
    },
    kill: async (proxy) => {
      proxy.faults = { isHalfOpen: true }
      const before = existsSync(database) ? statSync(database).mtimeMs : 0
      child.kill('SIGUSR1')
      // It is written under another name and moved: once it is there it is whole.
      await until(() => existsSync(database) && statSync(database).mtimeMs > before, 20_000)
      await killed(child)
    },
  }
}

async function killed(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}
