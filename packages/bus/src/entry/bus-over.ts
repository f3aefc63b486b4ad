import { Permissions } from '@jamey/auth'
import type { Bus } from '../model/bus.js'
import type { BusConfig } from '../model/config.js'
import type { MqttPort } from '../wire/mqtt-port.js'
import { MqttBus } from './mqtt-bus.js'

/** The part of a configuration that says nothing of a connection. */
export type LocalBusConfig = Pick<
  BusConfig,
  'clientId' | 'permissions' | 'clock' | 'log' | 'tracing' | 'sharedSubscriptions' | 'actFor'
>

/**
 * A bus over something else than a client of ours, such as a broker in the same process. It has no `mqtt`, no presence,
 * and ends with `close`, which closes the port.
 */
export function busOver(port: MqttPort, config: LocalBusConfig): Omit<Bus, 'mqtt'> {
  const { clientId } = config
  return new MqttBus({ url: [], ...config }, new Permissions(config.permissions, { clientId }), port)
}
