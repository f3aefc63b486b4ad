import type { Connect, ConnectProperties } from '@jamey/protocol'
import type { Settings } from '../model/settings.js'
import type { Connecting } from './connector-state.js'
import type { PacketCredentials } from './credentials.js'

/**
 * A packet has at most 268 435 460 bytes: what Remaining Length can say, and a fixed header of five. VerneMQ 2.1 ends a
 * connection that asks for more than Remaining Length can say. [MQTT 5.0 sections 2.1.4 and 3.1.2.11.4]
 */
const MAXIMUM_ASKED = 268_435_455

/** CONNECT for one attempt. */
export function makeConnect(
  settings: Settings,
  { protocolVersion, cleanStart }: Connecting,
  clientId: string,
  credentials: PacketCredentials,
): Connect {
  return {
    type: 'connect',
    protocolVersion,
    cleanStart,
    keepAlive: settings.keepAliveSeconds,
    clientId,
    will: settings.will(),
    username: credentials.username,
    password: credentials.password,
    properties: protocolVersion === 5 ? propertiesOf(settings, credentials) : undefined,
  }
}

function propertiesOf(settings: Settings, credentials: PacketCredentials): ConnectProperties {
  const { authenticationMethod, authenticationData } = credentials
  return {
    sessionExpiryInterval: settings.sessionExpirySeconds,
    receiveMaximum: settings.receiveMaximum,
    maximumPacketSize: Math.min(settings.maximumPacketBytes, MAXIMUM_ASKED),
    topicAliasMaximum: settings.topicAliasMaximum,
    requestResponseInformation: settings.requestResponseInformation ? 1 : undefined,
    requestProblemInformation: settings.requestProblemInformation ? undefined : 0,
    userProperties: settings.userProperties,
    authenticationMethod,
    // Data without a method is a protocol error. [MQTT 5.0 section 3.1.2.11.10]
    authenticationData: authenticationMethod === undefined ? undefined : authenticationData,
  }
}
