import { type Puback, type Pubcomp, type Pubrec, ReasonCode } from '@jamey/protocol'
import type { PublishResult } from '../model/options.js'

/** One object serves all of them: most publishes end with success and nothing more. */
export const SUCCESS: PublishResult = Object.freeze({ reasonCode: ReasonCode.success })

export function resultOf(packet: Puback | Pubrec | Pubcomp): PublishResult {
  const { reasonString, userProperties } = packet.properties ?? {}
  return { reasonCode: packet.reasonCode, reasonString, userProperties }
}
