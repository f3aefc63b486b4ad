/**
 * Reason codes of MQTT 5.0 (section 2.4), by the standard's names.
 *
 * MQTT 3.1.1 return codes never leave the codec: a CONNACK's 1 to 5 are read as the reason codes that mean the
 * same, and written back for a 3.1.1 peer.
 */
export const ReasonCode = {
  success: 0x00,
  normalDisconnection: 0x00,
  grantedQoS0: 0x00,
  grantedQoS1: 0x01,
  grantedQoS2: 0x02,
  disconnectWithWillMessage: 0x04,
  noMatchingSubscribers: 0x10,
  noSubscriptionExisted: 0x11,
  continueAuthentication: 0x18,
  reAuthenticate: 0x19,
  unspecifiedError: 0x80,
  malformedPacket: 0x81,
  protocolError: 0x82,
  implementationSpecificError: 0x83,
  unsupportedProtocolVersion: 0x84,
  clientIdentifierNotValid: 0x85,
  badUserNameOrPassword: 0x86,
  notAuthorized: 0x87,
  serverUnavailable: 0x88,
  serverBusy: 0x89,
  banned: 0x8a,
  serverShuttingDown: 0x8b,
  badAuthenticationMethod: 0x8c,
  keepAliveTimeout: 0x8d,
  sessionTakenOver: 0x8e,
  topicFilterInvalid: 0x8f,
  topicNameInvalid: 0x90,
  packetIdentifierInUse: 0x91,
  packetIdentifierNotFound: 0x92,
  receiveMaximumExceeded: 0x93,
  topicAliasInvalid: 0x94,
  packetTooLarge: 0x95,
  messageRateTooHigh: 0x96,
  quotaExceeded: 0x97,
  administrativeAction: 0x98,
  payloadFormatInvalid: 0x99,
  retainNotSupported: 0x9a,
  qosNotSupported: 0x9b,
  useAnotherServer: 0x9c,
  serverMoved: 0x9d,
  sharedSubscriptionsNotSupported: 0x9e,
  connectionRateExceeded: 0x9f,
  maximumConnectTime: 0xa0,
  subscriptionIdentifiersNotSupported: 0xa1,
  wildcardSubscriptionsNotSupported: 0xa2,
} as const

export type ReasonCodeName = keyof typeof ReasonCode
export type ReasonCode = (typeof ReasonCode)[ReasonCodeName]

const NAMES = new Map<number, ReasonCodeName>()
for (const [name, code] of Object.entries(ReasonCode)) {
  if (!NAMES.has(code)) NAMES.set(code, name as ReasonCodeName)
}

/** `notAuthorized (0x87): <reason string>`; an undefined code reads `undefined (0xff)`. */
export function describeReasonCode(code: number, reasonString?: string): string {
  const name = `${NAMES.get(code) ?? 'undefined'} (0x${code.toString(16).padStart(2, '0')})`
  return reasonString === undefined ? name : `${name}: ${reasonString}`
}

/** From 0x80 on, a reason code reports a failure. [MQTT 5.0 section 2.4] */
export function isFailure(code: number): boolean {
  return code >= 0x80
}

/** The reason codes each packet may carry in MQTT 5.0; any other value is refused. */
export const REASON_CODES_OF = {
  connack: codes(0x00, [0x80, 0x8a], 0x8c, 0x90, 0x95, 0x97, [0x99, 0x9d], 0x9f),
  puback: codes(0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99),
  pubrec: codes(0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99),
  pubrel: codes(0x00, 0x92),
  pubcomp: codes(0x00, 0x92),
  suback: codes([0x00, 0x02], 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2),
  unsuback: codes(0x00, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91),
  disconnect: codes(0x00, 0x04, [0x80, 0x83], 0x87, 0x89, 0x8b, [0x8d, 0x90], [0x93, 0x9f], [0xa0, 0xa2]),
  auth: codes(0x00, 0x18, 0x19),
} as const

/** The only codes a client may send in DISCONNECT; the others belong to servers. [MQTT 5.0 table 3-10] */
export const DISCONNECT_CODES_OF_CLIENT = /* @__PURE__ */ codes(0x00, 0x04, [0x80, 0x83], 0x90, [0x93, 0x99])

/** MQTT 3.1.1 CONNACK return code, by reason code; anything else is told as 3, server unavailable. */
export const RETURN_CODE_OF = new Map<number, number>([
  [0x00, 0],
  [0x84, 1],
  [0x85, 2],
  [0x88, 3],
  [0x86, 4],
  [0x87, 5],
])

/** Reason code by MQTT 3.1.1 CONNACK return code 0 to 5. */
export const REASON_CODE_OF_RETURN_CODE: readonly number[] = [0x00, 0x84, 0x85, 0x88, 0x86, 0x87]

function codes(...members: (number | readonly [number, number])[]): ReadonlySet<number> {
  const set = new Set<number>()
  for (const member of members) {
    if (typeof member === 'number') set.add(member)
    else for (let code = member[0]; code <= member[1]; code++) set.add(code)
  }
  return set
}
