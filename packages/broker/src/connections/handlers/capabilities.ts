import { type Packet, ReasonCode } from '@jamey/protocol'
import type { Capabilities } from '../../support/capabilities.js'
import { ConnectionFault } from '../../support/errors.js'
import type { Connection } from '../connection.js'

type Handle = (connection: Connection, packet: Packet) => void

/** The same handler, but for requests for more than the broker offers; where it offers all, nothing is looked at. */
export function within(capabilities: Capabilities, handle: Handle): Handle {
  if (capabilities.maximumQos === 2 && capabilities.retainAvailable) return handle
  return (connection, packet) => {
    if (packet.type === 'publish') assertOffered(capabilities, packet, 'PUBLISH')
    else if (packet.type === 'connect' && connection.state === 'waiting' && packet.will !== undefined) {
      assertOffered(capabilities, packet.will, 'a will')
    }
    handle(connection, packet)
  }
}

/** Earlier versions have no word for it; their connection ends, as with Mosquitto. */
function assertOffered(
  { maximumQos, retainAvailable }: Capabilities,
  { qos, retain }: { readonly qos: number; readonly retain: boolean },
  what: string,
): void {
  // [MQTT-3.2.2-12] for a will; section 3.2.2.3.4 for PUBLISH.
  if (qos > maximumQos) {
    const message = `${what} of QoS ${qos}, where the server has none above ${maximumQos}`
    throw new ConnectionFault(ReasonCode.qosNotSupported, message)
  }
  // [MQTT-3.2.2-13] for a will; section 3.2.2.3.5 for PUBLISH.
  if (retain && !retainAvailable) {
    throw new ConnectionFault(
      ReasonCode.retainNotSupported,
      `${what} with RETAIN, where the server retains nothing`,
    )
  }
}
