import { describeReasonCode, type Puback, type Pubcomp, type Pubrec, ReasonCode } from '@jamey/protocol'
import { PublishError } from './errors.js'
import type { PublishResult } from './options.js'
import type { Publication } from './publication.js'

/** One answer for all: most publishes end with success and nothing more. */
export const SUCCESS: PublishResult = Object.freeze({ reasonCode: ReasonCode.success })

/** The server answered with a failure. */
export function refused(
  publication: Publication,
  reasonCode: number,
  reasonString: string | undefined,
): PublishError {
  const said = describeReasonCode(reasonCode, reasonString)
  const isBusy =
    reasonCode === ReasonCode.quotaExceeded ||
    reasonCode === ReasonCode.packetIdentifierInUse ||
    reasonCode === ReasonCode.unspecifiedError ||
    reasonCode === ReasonCode.implementationSpecificError
  return new PublishError('refused', `publish to '${publication.topic}' was refused by the server: ${said}`, {
    reasonCode,
    retryable: isBusy,
  })
}

export function resultOf(packet: Puback | Pubrec | Pubcomp): PublishResult {
  const { reasonString, userProperties } = packet.properties ?? {}
  return { reasonCode: packet.reasonCode, reasonString, userProperties }
}
