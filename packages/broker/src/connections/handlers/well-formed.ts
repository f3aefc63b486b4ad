import { isTopicFilter, ReasonCode } from '@jamey/protocol'
import { ConnectionFault } from '../../support/errors.js'

/**
 * 0x8F is for filters that are well formed and not accepted. One that is not makes the packet malformed, and nothing of
 * it is done. [MQTT-4.7.1-1] [MQTT-4.8.2-1] [MQTT-4.13.1-1]
 */
export function assertWellFormed(filter: string): void {
  if (isTopicFilter(filter)) return
  const message = `the topic filter ${JSON.stringify(filter)} is not well formed`
  throw new ConnectionFault(ReasonCode.malformedPacket, message)
}
