import type { Connack, QoS, UserProperty } from '@jamey/protocol'

/** The facts that CONNACK told, with the standard's defaults for those it left out. Section 3.2.2.3. */
export interface ServerInformation {
  readonly protocolVersion: 4 | 5
  readonly sessionPresent: boolean
  /** The identifier in force: the assigned one, else ours. */
  readonly clientId: string
  readonly assignedClientIdentifier: string | undefined
  readonly receiveMaximum: number
  readonly maximumQoS: QoS
  readonly retainAvailable: boolean
  /** Bytes; undefined is no limit beyond the protocol's own. */
  readonly maximumPacketSize: number | undefined
  readonly topicAliasMaximum: number
  readonly wildcardSubscriptionAvailable: boolean
  readonly subscriptionIdentifiersAvailable: boolean
  readonly sharedSubscriptionAvailable: boolean
  readonly keepAliveSeconds: number
  readonly sessionExpirySeconds: number
  readonly responseInformation: string | undefined
  readonly serverReference: string | undefined
  readonly reasonString: string | undefined
  readonly userProperties: readonly UserProperty[]
}

interface Asked {
  clientId: string
  protocolVersion: 4 | 5
  keepAliveSeconds: number
  sessionExpirySeconds: number
}

export function readServerInformation(connack: Connack, asked: Asked): ServerInformation {
  const told = connack.properties ?? {}
  const isV5 = asked.protocolVersion === 5
  return Object.freeze({
    protocolVersion: asked.protocolVersion,
    sessionPresent: connack.sessionPresent,
    clientId: told.assignedClientIdentifier ?? asked.clientId,
    assignedClientIdentifier: told.assignedClientIdentifier,
    receiveMaximum: told.receiveMaximum ?? 65_535,
    maximumQoS: told.maximumQoS ?? 2,
    retainAvailable: told.retainAvailable !== 0,
    maximumPacketSize: told.maximumPacketSize,
    topicAliasMaximum: told.topicAliasMaximum ?? 0,
    wildcardSubscriptionAvailable: told.wildcardSubscriptionAvailable !== 0,
    subscriptionIdentifiersAvailable: isV5 && told.subscriptionIdentifiersAvailable !== 0,
    // Before MQTT 5.0 `$share/...` is a private extension of some servers; others take it for a plain filter.
    sharedSubscriptionAvailable: isV5 && told.sharedSubscriptionAvailable !== 0,
    keepAliveSeconds: told.serverKeepAlive ?? asked.keepAliveSeconds,
    sessionExpirySeconds: told.sessionExpiryInterval ?? asked.sessionExpirySeconds,
    responseInformation: told.responseInformation,
    serverReference: told.serverReference,
    reasonString: told.reasonString,
    userProperties: told.userProperties ?? [],
  })
}
