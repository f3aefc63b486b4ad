import type { Logger } from 'pino'
import type { ClientComponent } from './data-directory.js'

/** A component in this process, connected (or connecting) as a client of its own. */
export interface RunningComponent {
  /** Where it answers besides the bus: the gateway's URL. */
  readonly url: string | undefined
  /** Resolves once it serves; rejects where it never can. */
  readonly ready: Promise<void>
  stop(graceMs: number): Promise<void>
}

export interface ComponentOptions {
  readonly env: NodeJS.ProcessEnv
  /** Where a service looks for `.env` and relative paths. */
  readonly cwd: string
  readonly log: Logger
}

/** Starts one component as its environment says. Throws its configuration errors. */
export async function startComponent(
  component: ClientComponent,
  { env, cwd, log }: ComponentOptions,
): Promise<RunningComponent> {
  const options = { env, cwd, log: log.child({ component }) }
  switch (component) {
    case 'conscience': {
      const { runConscience } = await import('@jamey/conscience')
      return running(await runConscience(options))
    }
    case 'memory': {
      const { runMemory } = await import('@jamey/memory')
      return running(await runMemory(options))
    }
    case 'gateway': {
      const { runGateway } = await import('@jamey/gateway')
      return running(await runGateway(options))
    }
  }
}

interface Service {
  readonly url?: string
  readonly ready: Promise<void>
  stop(options?: { graceMs?: number }): Promise<void>
}

function running(service: Service): RunningComponent {
  return { url: service.url, ready: service.ready, stop: (graceMs) => service.stop({ graceMs }) }
}
