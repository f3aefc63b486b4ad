import { type Bus, connectBus } from '@jamey/bus'
import { COMPONENTS } from '@jamey/contracts'
import { freePort } from '@jamey/testing'
import { emptyFolder, Program, removeFolder, secretsOf, startSystem } from './program.js'

/** Parts of one folder, each a process of `jamey run`, at a broker that is one of them. */
export class SeparateParts {
  readonly folder: string
  readonly port: number
  readonly #programs: Program[] = []
  readonly #buses: Bus[] = []

  private constructor(folder: string, port: number) {
    this.folder = folder
    this.port = port
  }

  /** A folder with certificates and secret, as `jamey up` makes them; nothing runs. */
  static async prepare(): Promise<SeparateParts> {
    const folder = emptyFolder()
    const first = await startSystem(folder)
    await first.program.stop()
    return new SeparateParts(folder, await freePort())
  }

  start(part: string, env: Record<string, string> = {}): Program {
    const port = String(this.port)
    const place: Record<string, string> =
      part === 'broker'
        ? { JAMEY_BROKER_PORT: port }
        : { MQTT_BROKER_URL: 'mqtts://127.0.0.1', MQTT_PORT: port }
    const program = new Program(this.folder, ['run', part, '--data-dir', '.jamey'], { ...place, ...env })
    this.#programs.push(program)
    return program
  }

  /** The same, once it serves. */
  async ready(part: string, env: Record<string, string> = {}): Promise<Program> {
    const program = this.start(part, env)
    await program.prints(part === 'broker' ? /broker listens/ : new RegExp(`${part} is ready`))
    return program
  }

  async connect(
    clientId: string,
    permissions: readonly string[] = COMPONENTS.operator.permissions,
  ): Promise<Bus> {
    const { ca, secret } = secretsOf(this.folder)
    const url = `mqtts://127.0.0.1:${this.port}`
    const bus = await connectBus({ url, clientId, tls: { ca }, jwtSecret: secret, permissions })
    this.#buses.push(bus)
    return bus
  }

  /** Ends everything, and removes the folder. */
  async stop(): Promise<void> {
    await Promise.all(this.#buses.map((bus) => bus.close({ drain: false })))
    await Promise.all(this.#programs.map((program) => program.stop('SIGKILL')))
    removeFolder(this.folder)
  }
}
