import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Bus, connectBus } from '@jamey/bus'
import { topics } from '@jamey/contracts'
import { freePort } from '@jamey/testing'
import { temporaryFolder } from '../kit/temporary.js'

const JAMEY = fileURLToPath(new URL('../../../apps/jamey/bin/jamey.js', import.meta.url))

/** As `npm start` has it. */
const YOUNG_GENERATION = '--max-semi-space-size=64'

/** Where a system listens, and the folder that has its secrets. */
export interface SystemAddress {
  readonly port: number
  readonly folder: string
}

/** A client of a system, in this thread or in another. */
export function connectTo(
  { port, folder }: SystemAddress,
  clientId: string,
  permissions: readonly string[],
): Promise<Bus> {
  const file = (name: string): string => readFileSync(join(folder, '.jamey', name), 'utf8')
  return connectBus({
    url: `mqtts://localhost:${port}`,
    clientId,
    jwtSecret: file('token-secret').trim(),
    permissions: [...permissions, `subscribe:jamey/api/responses/${clientId}/#`],
    tls: { ca: file('certs/ca.crt') },
  })
}

/** `jamey up` in a folder of its own: one process for broker, conscience, memory and gateway. */
export class RunningSystem {
  readonly httpPort: number
  readonly #port: number
  readonly #folder: string
  readonly #process: ReturnType<typeof spawn>

  private constructor(ports: readonly [number, number], folder: string, process: ReturnType<typeof spawn>) {
    ;[this.#port, this.httpPort] = ports
    this.#folder = folder
    this.#process = process
  }

  static async start(
    env: Readonly<Record<string, string>>,
    nodeOptions: readonly string[] = [],
  ): Promise<RunningSystem> {
    const folder = temporaryFolder()
    const ports = [await freePort(), await freePort()] as const
    const args = [
      YOUNG_GENERATION,
      ...nodeOptions,
      JAMEY,
      'up',
      '--port',
      `${ports[0]}`,
      '--http-port',
      `${ports[1]}`,
    ]
    const started = spawn(process.execPath, args, {
      cwd: folder.path,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    process.once('exit', () => started.kill())
    await once(started.stdout as NodeJS.ReadableStream, 'data')
    return new RunningSystem(ports, folder.path, started)
  }

  get pid(): number {
    return this.#process.pid as number
  }

  get address(): SystemAddress {
    return { port: this.#port, folder: this.#folder }
  }

  /** A client that may ask for verdicts, and has more permissions where these are named. */
  connect(more: readonly string[] = []): Promise<Bus> {
    return connectTo(this.address, 'bench', [`publish:${topics.conscience.evaluate.topic}`, ...more])
  }

  /** Processor time of all its threads so far, in microseconds; NaN where the system does not tell (elsewhere than on Linux). */
  cpuMicros(): number {
    try {
      const tasks = `/proc/${this.#process.pid}/task`
      const nanos = readdirSync(tasks).map((task) => {
        return Number(readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ')[0])
      })
      return nanos.reduce((sum, one) => sum + one, 0) / 1000
    } catch {
      return Number.NaN
    }
  }

  async stop(): Promise<void> {
    this.#process.kill()
    await once(this.#process, 'exit')
  }
}
