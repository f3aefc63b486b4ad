import type { RunningBroker } from '../kit/brokers.js'
import type { Certificates } from '../kit/certificates.js'
import { Child } from '../kit/children.js'

/** The relay, see `relay-process.ts`, in a process of its own. */
export async function startRelay(certificates: Certificates | undefined): Promise<RunningBroker> {
  const child = new Child(new URL('./relay-process.js', import.meta.url))
  child.give({ certificates })
  const { port } = await child.next<{ port: number }>()
  return { port, pid: child.pid, stop: () => child.stop() }
}
