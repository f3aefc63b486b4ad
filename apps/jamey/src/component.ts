import type { Bus } from '@jamey/bus'
import type { Logger } from 'pino'
import type { ClientComponent } from './data-directory.js'
import { CommandFailure, reportOf } from './failure.js'

/** A component in this process, connected (or connecting) as a client of its own. */
export interface RunningComponent {
  /** Where it answers besides the bus: the gateway's URL. */
  readonly url: string | undefined
  /** Resolves once it serves; rejects where it never can. */
  readonly ready: Promise<void>
  /** Rejects when its connection ends for good: refused, or taken over by another client of its name. */
  readonly lost: Promise<never>
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
      return running(component, await runConscience(options))
    }
    case 'memory': {
      const { runMemory } = await import('@jamey/memory')
      return running(component, await runMemory(options))
    }
    case 'gateway': {
      const { runGateway } = await import('@jamey/gateway')
      return running(component, await runGateway(options))
    }
  }
}

/** What the services' own start functions have in common. */
interface Service {
  readonly url?: string
  readonly bus?: Pick<Bus, 'onState'>
  readonly ready: Promise<void>
  stop(options?: { graceMs?: number }): Promise<void>
}

function running(name: string, service: Service): RunningComponent {
  const lost = new Promise<never>((_, reject) => {
    service.bus?.onState(({ state, cause }) => {
      if (state === 'error') reject(connectionLost(name, cause))
    })
  })
  // It is awaited only once everything is ready; until then `ready` tells the same.
  lost.catch(() => {})
  return { url: service.url, ready: service.ready, lost, stop: (graceMs) => service.stop({ graceMs }) }
}

function connectionLost(name: string, cause: unknown): CommandFailure {
  const { message, code, exitCode } = reportOf(cause ?? new Error('no reason was given'))
  return new CommandFailure(`${name} gave its connection up: ${message}`, { code, exitCode, cause })
}
