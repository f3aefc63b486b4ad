import type { Connect, ConnectProperties } from '@jamey/protocol'
import type { PacketCredentials } from './credentials.js'
import type { Settings } from './settings.js'

/** CONNECT for one attempt. */
export function makeConnect(
  settings: Settings,
  clientId: string,
  cleanStart: boolean,
  credentials: PacketCredentials,
): Connect {
  return {
    type: 'connect',
    protocolVersion: settings.protocolVersion,
    cleanStart,
    keepAlive: settings.keepAliveSeconds,
    clientId,
    will: settings.will(),
    username: credentials.username,
    password: credentials.password,
    properties: settings.protocolVersion === 5 ? propertiesOf(settings, credentials) : undefined,
  }
}

function propertiesOf(settings: Settings, credentials: PacketCredentials): ConnectProperties {
  const { authenticationMethod, authenticationData } = credentials
  return {
    sessionExpiryInterval: settings.sessionExpirySeconds,
    receiveMaximum: settings.receiveMaximum,
    maximumPacketSize: settings.maximumPacketBytes,
    topicAliasMaximum: settings.topicAliasMaximum,
    requestResponseInformation: settings.requestResponseInformation ? 1 : undefined,
    requestProblemInformation: settings.requestProblemInformation ? undefined : 0,
    userProperties: settings.userProperties,
    authenticationMethod,
    // Data without a method is a protocol error. [MQTT 5.0 section 3.1.2.11.10]
    authenticationData: authenticationMethod === undefined ? undefined : authenticationData,
  }
}
