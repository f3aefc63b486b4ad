import { COMPONENTS, type ComponentName, topics } from '@jamey/contracts'
import type { Manifest, ManifestClient } from '@jamey/manifest'

/** Who takes part in every scene, and what each may do: of this a broker's files are made. */

const { conscience, memory } = topics

/** All that an ordinary client needs to have its actions judged, and to keep what is its own. */
const ASKING = [conscience.evaluate, memory.store, memory.query, memory.forget].map(
  ({ topic }) => `publish:${topic}`,
)

const CLIENTS: Readonly<Record<string, readonly string[]>> = {
  asker: ASKING,
  'asker-2': ASKING,
  /** Sees what the system says. */
  watcher: ['subscribe:jamey/events/#', 'subscribe:jamey/conscience/results/#'],
  /** A client of the user's, with topics and a share group of its own. */
  robot: ['lab/%c/#', 'subscribe:$share/crew/lab/%c/#', 'subscribe:$share/jamey-probe/lab/%c/#'],
  /** Carries what is said on one broker over to another one. */
  'jamey-bridge': [
    'lab/#',
    'jamey/conscience/#',
    'jamey/memory/#',
    'jamey/events/#',
    'jamey/api/responses/#',
    'subscribe:$share/conscience/jamey/conscience/evaluate/#',
    'subscribe:$share/memory/jamey/memory/#',
    'relay:+',
  ],
  /** One who is let in, and tries what he may not. He may ask, and use his own topics. */
  stranger: ['lab/%c/#', `publish:${conscience.evaluate.topic}`],
}

/** By what a client identifier is known to the broker, beside its token. */
export const CLIENT_IDS = Object.keys(CLIENTS)

export const INSTANCES: Readonly<Record<'conscience' | 'memory' | 'gateway', readonly string[]>> = {
  conscience: ['jamey-conscience', 'jamey-conscience-2'],
  memory: ['jamey-memory'],
  gateway: ['jamey-gateway'],
}

export const EVERYBODY = [...Object.values(INSTANCES).flat(), ...CLIENT_IDS]

/** What a client of the cast may do, with `%c` as it is written. */
export function permissionsOf(clientId: string): readonly string[] {
  const found = castManifest('certificate').clients.find((client) => client.clientId === clientId)
  if (found === undefined) throw new Error(`${clientId} is not in the cast: ${EVERYBODY.join(', ')}`)
  return found.permissions
}

export function castManifest(proof: ManifestClient['proofs'][number]): Manifest {
  const components = Object.entries(INSTANCES).flatMap(([name, clientIds]) =>
    clientIds.map((clientId) => clientOf(clientId, COMPONENTS[name as ComponentName].permissions, name)),
  )
  const clients = Object.entries(CLIENTS).map(([clientId, permissions]) => clientOf(clientId, permissions))
  return { clients: [...components, ...clients] }

  function clientOf(clientId: string, permissions: readonly string[], component?: string): ManifestClient {
    const name = component as ComponentName | undefined
    return { clientId, component: name, proofs: [proof], permissions, limits: {} }
  }
}
