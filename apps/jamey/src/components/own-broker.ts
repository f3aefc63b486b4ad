import type { DataDirectory } from '../install/data-directory.js'
import { type BrokerAddress, startedBroker } from '../install/run-file.js'
import { DEFAULT_BROKER_PORT } from '../support/host-address.js'
import { waited } from '../support/waiting.js'

/** Time between two looks whether a broker was started. */
const LOOK_MS = 500

export interface OwnBrokerOptions {
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
  readonly signal: AbortSignal
  /** Told once, where there is none yet. */
  readonly onAbsent: () => void
}

/**
 * The broker that a part of this data directory connects to, once there is one: parts may be started in any order. What
 * listens at the usual port may be the system of which this directory is a restored copy, with the same authority and
 * secret, whose part this one would push out. Where the environment names a broker, that is meant. Rejects with the reason of `signal`.
 */
export async function ownBroker(
  directory: DataDirectory,
  { env, cwd, signal, onAbsent }: OwnBrokerOptions,
): Promise<BrokerAddress> {
  if (env['MQTT_BROKER_URL'] || env['MQTT_PORT']) return { host: '127.0.0.1', port: DEFAULT_BROKER_PORT }
  for (let isTold = false; ; isTold = true) {
    const started = startedBroker(directory, { env, cwd })
    if (started !== undefined) return started.address
    if (!isTold) onAbsent()
    if (!(await waited(LOOK_MS, signal))) throw signal.reason
  }
}
