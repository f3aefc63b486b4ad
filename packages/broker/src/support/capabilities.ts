import type { QoS } from '@jamey/protocol'

/** The parts of MQTT that the broker offers its clients; told in CONNACK where it is less than all. Section 3.2.2.3 */
export interface Capabilities {
  readonly maximumQos: QoS
  readonly retainAvailable: boolean
  readonly sharedSubscriptionAvailable: boolean
}
