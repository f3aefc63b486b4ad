import type { QoS } from '@jamey/protocol'

/** What of MQTT the broker offers its clients; told in CONNACK where it is less than all. Section 3.2.2.3 */
export interface Capabilities {
  readonly maximumQos: QoS
  readonly retainAvailable: boolean
}
