import type { Sender } from './decode.js'
import type { ProtocolErrorCode } from './errors.js'
import type { Connect, Packet, ProtocolVersion, Publish } from './packets.js'
import { ReasonCode } from './reason-codes.js'

/** Bytes on the wire beside the packet they mean, written by hand from the standard. */
export interface Vector {
  name: string
  from: Sender
  version: ProtocolVersion
  hex: string
  packet: Packet
  /** Another legal spelling of the packet that the encoder above never writes. */
  isDecodeOnly?: true
}

/** Bytes that must be refused, with the reason code and where the fault was seen, in bytes from the packet's first. */
export interface Fault {
  name: string
  from: Sender
  /** Undefined: no CONNECT came before. */
  version: ProtocolVersion | undefined
  hex: string
  code: ProtocolErrorCode
  reasonCode: number
  offset: number
}

const bytes = (text: string) => new TextEncoder().encode(text)

const connect: Connect = {
  type: 'connect',
  protocolVersion: 5,
  cleanStart: true,
  keepAlive: 60,
  clientId: 'a',
  will: undefined,
  username: undefined,
  password: undefined,
  properties: undefined,
}
const publish: Publish = {
  type: 'publish',
  topic: 'a/b',
  payload: bytes('hi'),
  qos: 0,
  retain: false,
  dup: false,
  packetIdentifier: 0,
  properties: undefined,
}
const plain = { noLocal: false, retainAsPublished: false, retainHandling: 0 } as const

export const VECTORS: readonly Vector[] = [
  {
    name: 'CONNECT of MQTT 5.0, nothing optional',
    from: 'client',
    version: 5,
    hex: '10 0e 0004 4d515454 05 02 003c 00 0001 61',
    packet: connect,
  },
  {
    name: 'CONNECT of MQTT 3.1.1 with user name and password',
    from: 'client',
    version: 4,
    hex: '10 13 0004 4d515454 04 c2 003c 0001 61 0001 75 0001 70',
    packet: { ...connect, protocolVersion: 4, username: 'u', password: bytes('p') },
  },
  {
    name: 'CONNECT of MQTT 3.1',
    from: 'client',
    version: 3,
    hex: '10 0f 0006 4d5149736470 03 02 003c 0001 61',
    packet: { ...connect, protocolVersion: 3 },
  },
  {
    name: 'CONNECT of MQTT 5.0 with properties, a retained QoS 2 will and a password alone',
    from: 'client',
    version: 5,
    hex: `10 2b 0004 4d515454 05 76 000a 05 1100000064 0001 61
          0c 1800000005 2600016b000176 0001 77 0002 6279 0002 7077`,
    packet: {
      ...connect,
      keepAlive: 10,
      password: bytes('pw'),
      properties: { sessionExpiryInterval: 100 },
      will: {
        topic: 'w',
        payload: bytes('by'),
        qos: 2,
        retain: true,
        properties: { willDelayInterval: 5, userProperties: [['k', 'v']] },
      },
    },
  },
  {
    name: 'CONNACK of MQTT 5.0 with properties',
    from: 'server',
    version: 5,
    hex: '20 10 01 00 0d 1200026964 13001e 210005 2400',
    packet: {
      type: 'connack',
      sessionPresent: true,
      reasonCode: 0,
      properties: { assignedClientIdentifier: 'id', serverKeepAlive: 30, receiveMaximum: 5, maximumQoS: 0 },
    },
  },
  {
    name: 'CONNACK of MQTT 3.1.1 that refuses',
    from: 'server',
    version: 4,
    hex: '20 02 00 05',
    packet: {
      type: 'connack',
      sessionPresent: false,
      reasonCode: ReasonCode.notAuthorized,
      properties: undefined,
    },
  },
  {
    name: 'PUBLISH QoS 0 of MQTT 3.1.1',
    from: 'client',
    version: 4,
    hex: '30 07 0003 612f62 6869',
    packet: publish,
  },
  {
    name: 'PUBLISH QoS 0 of MQTT 5.0',
    from: 'client',
    version: 5,
    hex: '30 08 0003 612f62 00 6869',
    packet: publish,
  },
  {
    name: 'PUBLISH QoS 2, retained, sent again',
    from: 'server',
    version: 5,
    hex: '3d 0a 0003 612f62 1234 00 6869',
    packet: { ...publish, qos: 2, retain: true, dup: true, packetIdentifier: 0x1234 },
  },
  {
    name: 'PUBLISH with every property a server may send',
    from: 'server',
    version: 5,
    hex: `32 2a 0003 612f62 0001
          22 0101 020000003c 03000174 08000172 09000163 0b01 0b8001 230007 2600016b000176`,
    packet: {
      ...publish,
      qos: 1,
      packetIdentifier: 1,
      payload: bytes(''),
      properties: {
        payloadFormatIndicator: 1,
        messageExpiryInterval: 60,
        contentType: 't',
        responseTopic: 'r',
        correlationData: bytes('c'),
        subscriptionIdentifiers: [1, 128],
        topicAlias: 7,
        userProperties: [['k', 'v']],
      },
    },
  },
  {
    name: 'PUBLISH by topic alias alone',
    from: 'client',
    version: 5,
    hex: '30 06 0000 03 230001',
    packet: { ...publish, topic: '', payload: bytes(''), properties: { topicAlias: 1 } },
  },
  {
    name: 'PUBLISH with a topic beyond ASCII',
    from: 'client',
    version: 4,
    hex: '30 09 0007 c3a4 f09f9880 2f',
    packet: { ...publish, topic: 'ä😀/', payload: bytes('') },
  },
  {
    name: 'PUBACK of success in two bytes',
    from: 'client',
    version: 5,
    hex: '40 02 0001',
    packet: { type: 'puback', packetIdentifier: 1, reasonCode: 0, properties: undefined },
  },
  {
    name: 'PUBACK with a reason code and no property length',
    from: 'server',
    version: 5,
    hex: '40 03 0001 10',
    packet: { type: 'puback', packetIdentifier: 1, reasonCode: 0x10, properties: undefined },
  },
  {
    name: 'PUBACK with a reason code and an empty property length',
    from: 'server',
    version: 5,
    hex: '40 04 0001 00 00',
    packet: { type: 'puback', packetIdentifier: 1, reasonCode: 0, properties: undefined },
    isDecodeOnly: true,
  },
  {
    name: 'PUBREC with a reason string',
    from: 'server',
    version: 5,
    hex: '50 08 0001 97 04 1f000178',
    packet: { type: 'pubrec', packetIdentifier: 1, reasonCode: 0x97, properties: { reasonString: 'x' } },
  },
  {
    name: 'PUBREL of MQTT 3.1.1',
    from: 'client',
    version: 4,
    hex: '62 02 ffff',
    packet: { type: 'pubrel', packetIdentifier: 65535, reasonCode: 0, properties: undefined },
  },
  {
    name: 'PUBCOMP that does not know the identifier',
    from: 'client',
    version: 5,
    hex: '70 03 0001 92',
    packet: { type: 'pubcomp', packetIdentifier: 1, reasonCode: 0x92, properties: undefined },
  },
  {
    name: 'SUBSCRIBE with all options and an identifier',
    from: 'client',
    version: 5,
    hex: '82 0f 000a 02 0b05 0003 612f23 2e 0001 2b 00',
    packet: {
      type: 'subscribe',
      packetIdentifier: 10,
      subscriptions: [
        { filter: 'a/#', qos: 2, noLocal: true, retainAsPublished: true, retainHandling: 2 },
        { filter: '+', qos: 0, ...plain },
      ],
      properties: { subscriptionIdentifier: 5 },
    },
  },
  {
    name: 'SUBSCRIBE of MQTT 3.1.1',
    from: 'client',
    version: 4,
    hex: '82 06 0001 0001 61 01',
    packet: {
      type: 'subscribe',
      packetIdentifier: 1,
      subscriptions: [{ filter: 'a', qos: 1, ...plain }],
      properties: undefined,
    },
  },
  {
    name: 'SUBACK',
    from: 'server',
    version: 5,
    hex: '90 05 0001 00 0187',
    packet: { type: 'suback', packetIdentifier: 1, reasonCodes: [1, 0x87], properties: undefined },
  },
  {
    name: 'UNSUBSCRIBE',
    from: 'client',
    version: 5,
    hex: 'a2 09 0001 00 0001 61 0001 62',
    packet: { type: 'unsubscribe', packetIdentifier: 1, filters: ['a', 'b'], properties: undefined },
  },
  {
    name: 'UNSUBACK of MQTT 5.0',
    from: 'server',
    version: 5,
    hex: 'b0 05 0001 00 0011',
    packet: { type: 'unsuback', packetIdentifier: 1, reasonCodes: [0, 0x11], properties: undefined },
  },
  {
    name: 'UNSUBACK of MQTT 3.1.1',
    from: 'server',
    version: 4,
    hex: 'b0 02 0001',
    packet: { type: 'unsuback', packetIdentifier: 1, reasonCodes: [], properties: undefined },
  },
  { name: 'PINGREQ', from: 'client', version: 5, hex: 'c0 00', packet: { type: 'pingreq' } },
  { name: 'PINGRESP', from: 'server', version: 4, hex: 'd0 00', packet: { type: 'pingresp' } },
  {
    name: 'DISCONNECT in two bytes',
    from: 'client',
    version: 5,
    hex: 'e0 00',
    packet: { type: 'disconnect', reasonCode: 0, properties: undefined },
  },
  {
    name: 'DISCONNECT that names another server',
    from: 'server',
    version: 5,
    hex: 'e0 06 9d 04 1c000168',
    packet: { type: 'disconnect', reasonCode: 0x9d, properties: { serverReference: 'h' } },
  },
  {
    name: 'AUTH that goes on',
    from: 'client',
    version: 5,
    hex: 'f0 0a 18 08 1500016d 16000164',
    packet: {
      type: 'auth',
      reasonCode: 0x18,
      properties: { authenticationMethod: 'm', authenticationData: bytes('d') },
    },
  },
  {
    name: 'AUTH of success in two bytes',
    from: 'server',
    version: 5,
    hex: 'f0 00',
    packet: { type: 'auth', reasonCode: 0, properties: undefined },
  },
]

const malformed = { code: 'malformed-packet', reasonCode: ReasonCode.malformedPacket } as const
const violation = { code: 'protocol-error', reasonCode: ReasonCode.protocolError } as const
const unsupported = {
  code: 'unsupported-protocol-version',
  reasonCode: ReasonCode.unsupportedProtocolVersion,
} as const
const badTopic = { code: 'protocol-error', reasonCode: ReasonCode.topicNameInvalid } as const
const badFilter = { code: 'protocol-error', reasonCode: ReasonCode.topicFilterInvalid } as const
const fromClient = { from: 'client', version: 5 } as const
const fromServer = { from: 'server', version: 5 } as const
const unconnected = { from: 'client', version: undefined } as const

export const FAULTS: readonly Fault[] = [
  // Framing
  { name: 'packet type 0 [MQTT-4.13.1-1]', ...fromClient, hex: '00 00', ...malformed, offset: 0 },
  { name: 'remaining length of five bytes', ...fromClient, hex: '30 80808080 01', ...malformed, offset: 4 },
  {
    name: 'remaining length not in its shortest form [MQTT-1.5.5-1]',
    ...fromClient,
    hex: 'c0 8000',
    ...malformed,
    offset: 1,
  },
  {
    name: 'CONNECT of 5.0 with a padded length [MQTT-1.5.5-1]',
    ...unconnected,
    hex: '10 8e00 0004 4d515454 05 02 003c 00 0001 61',
    ...malformed,
    offset: 1,
  },
  {
    name: 'a first packet that is not CONNECT [MQTT-3.1.0-1]',
    ...unconnected,
    hex: 'c0 00',
    ...violation,
    offset: 0,
  },
  { name: 'PINGREQ with flags [MQTT-2.1.3-1]', ...fromClient, hex: 'c1 00', ...malformed, offset: 0 },
  { name: 'PINGREQ with a body', ...fromClient, hex: 'c0 01 00', ...malformed, offset: 2 },
  {
    name: 'PUBREL without its flag [MQTT-3.6.1-1]',
    ...fromClient,
    hex: '60 02 0001',
    ...malformed,
    offset: 0,
  },
  {
    name: 'SUBSCRIBE without its flag [MQTT-3.8.1-1]',
    ...fromClient,
    hex: '80 07 0001 00 0001 61 00',
    ...malformed,
    offset: 0,
  },
  {
    name: 'UNSUBSCRIBE without its flag [MQTT-3.10.1-1]',
    ...fromClient,
    hex: 'a0 06 0001 00 0001 61',
    ...malformed,
    offset: 0,
  },
  {
    name: 'CONNACK of MQTT 3.1.1 where MQTT 5.0 is spoken',
    ...fromServer,
    hex: '20 02 00 01',
    ...violation,
    offset: 3,
  },
  { name: 'CONNACK from a client', ...fromClient, hex: '20 03 00 00 00', ...violation, offset: 0 },
  {
    name: 'SUBSCRIBE from a server',
    ...fromServer,
    hex: '82 07 0001 00 0001 61 00',
    ...violation,
    offset: 0,
  },
  { name: 'PINGREQ from a server', ...fromServer, hex: 'c0 00', ...violation, offset: 0 },
  { name: 'AUTH before MQTT 5.0', from: 'client', version: 4, hex: 'f0 00', ...malformed, offset: 0 },
  {
    name: 'DISCONNECT from a 3.1.1 server',
    from: 'server',
    version: 4,
    hex: 'e0 00',
    ...violation,
    offset: 0,
  },
  // CONNECT
  {
    name: 'CONNECT of another protocol [MQTT-3.1.2-1]',
    ...unconnected,
    hex: '10 0c 0004 48545450 05 02 003c 0000',
    ...unsupported,
    offset: 2,
  },
  {
    name: 'CONNECT of level 6 [MQTT-3.1.2-2]',
    ...unconnected,
    hex: '10 0d 0004 4d515454 06 02 003c 00 0000',
    ...unsupported,
    offset: 8,
  },
  {
    name: 'CONNECT of MQIsdp level 4',
    ...unconnected,
    hex: '10 0f 0006 4d5149736470 04 02 003c 0001 61',
    ...unsupported,
    offset: 10,
  },
  {
    name: 'CONNECT with the reserved flag [MQTT-3.1.2-3]',
    ...unconnected,
    hex: '10 0e 0004 4d515454 05 03 003c 00 0001 61',
    ...malformed,
    offset: 9,
  },
  {
    name: 'CONNECT with will QoS but no will [MQTT-3.1.2-11]',
    ...unconnected,
    hex: '10 0e 0004 4d515454 05 0a 003c 00 0001 61',
    ...malformed,
    offset: 9,
  },
  {
    name: 'CONNECT with will retain but no will [MQTT-3.1.2-13]',
    ...unconnected,
    hex: '10 0e 0004 4d515454 05 22 003c 00 0001 61',
    ...malformed,
    offset: 9,
  },
  {
    name: 'CONNECT with will QoS 3 [MQTT-3.1.2-12]',
    ...unconnected,
    hex: '10 13 0004 4d515454 05 1e 003c 00 0001 61 00 0001 77 0000',
    ...malformed,
    offset: 9,
  },
  {
    name: 'CONNECT of 3.1.1 with a password alone [MQTT-3.1.2-22 of 3.1.1]',
    ...unconnected,
    hex: '10 10 0004 4d515454 04 42 003c 0001 61 0001 70',
    ...malformed,
    offset: 9,
  },
  {
    name: 'CONNECT that ends before its client identifier [MQTT-3.1.3-3]',
    ...unconnected,
    hex: '10 0b 0004 4d515454 05 02 003c 00',
    ...malformed,
    offset: 13,
  },
  {
    name: 'CONNECT that announces a user name and has none',
    ...unconnected,
    hex: '10 0e 0004 4d515454 05 82 003c 00 0001 61',
    ...malformed,
    offset: 16,
  },
  {
    name: 'CONNECT with bytes behind its payload',
    ...unconnected,
    hex: '10 0f 0004 4d515454 05 02 003c 00 0001 61 00',
    ...malformed,
    offset: 16,
  },
  {
    name: 'CONNECT with authentication data and no method',
    ...unconnected,
    hex: '10 12 0004 4d515454 05 02 003c 04 16000164 0001 61',
    ...violation,
    offset: 12,
  },
  {
    name: 'CONNECT with Receive Maximum 0',
    ...unconnected,
    hex: '10 11 0004 4d515454 05 02 003c 03 210000 0001 61',
    ...violation,
    offset: 14,
  },
  {
    name: 'CONNECT with Maximum Packet Size 0',
    ...unconnected,
    hex: '10 13 0004 4d515454 05 02 003c 05 2700000000 0001 61',
    ...violation,
    offset: 14,
  },
  {
    name: 'CONNECT with request problem information 2',
    ...unconnected,
    hex: '10 10 0004 4d515454 05 02 003c 02 1702 0001 61',
    ...violation,
    offset: 14,
  },
  {
    name: 'CONNECT with a client identifier that is not UTF-8',
    ...unconnected,
    hex: '10 0e 0004 4d515454 05 02 003c 00 0001 ff',
    ...malformed,
    offset: 15,
  },
  {
    name: 'CONNECT with a will topic that has a wildcard',
    ...unconnected,
    hex: '10 14 0004 4d515454 05 06 003c 00 0001 61 00 0001 23 0000',
    ...badTopic,
    offset: 19,
  },
  // Properties
  {
    name: 'a property that does not exist',
    ...fromServer,
    hex: '20 04 00 00 01 7f',
    ...malformed,
    offset: 5,
  },
  {
    name: 'a property of another packet',
    ...fromServer,
    hex: '20 05 00 00 02 1700',
    ...malformed,
    offset: 5,
  },
  { name: 'a property twice', ...fromServer, hex: '20 09 00 00 06 21000a 21000a', ...violation, offset: 8 },
  {
    name: 'a property length beyond the packet',
    ...fromServer,
    hex: '20 03 00 00 05',
    ...malformed,
    offset: 5,
  },
  {
    name: 'a property that runs past its property length',
    ...fromServer,
    hex: '20 06 00 00 02 21000a',
    ...malformed,
    offset: 6,
  },
  { name: 'maximum QoS 2 in CONNACK', ...fromServer, hex: '20 05 00 00 02 2402', ...violation, offset: 6 },
  // PUBLISH
  {
    name: 'PUBLISH QoS 3 [MQTT-3.3.1-4]',
    ...fromClient,
    hex: '36 06 0001 61 0001 00',
    ...malformed,
    offset: 0,
  },
  {
    name: 'PUBLISH QoS 0 with DUP [MQTT-3.3.1-2]',
    ...fromClient,
    hex: '38 04 0001 61 00',
    ...malformed,
    offset: 0,
  },
  {
    name: 'PUBLISH QoS 1 with identifier 0 [MQTT-2.2.1-3]',
    ...fromClient,
    hex: '32 06 0001 61 0000 00',
    ...violation,
    offset: 5,
  },
  {
    name: 'PUBLISH to a wildcard [MQTT-3.3.2-2]',
    ...fromClient,
    hex: '30 06 0003 612f2b 00',
    ...badTopic,
    offset: 4,
  },
  {
    name: 'PUBLISH to no topic before MQTT 5.0 [MQTT-4.7.3-1]',
    from: 'client',
    version: 4,
    hex: '30 02 0000',
    ...badTopic,
    offset: 4,
  },
  {
    name: 'PUBLISH with neither topic nor alias',
    ...fromClient,
    hex: '30 03 0000 00',
    ...violation,
    offset: 2,
  },
  {
    name: 'PUBLISH with topic alias 0 [MQTT-3.3.2-8]',
    ...fromClient,
    hex: '30 07 0001 61 03 230000',
    code: 'protocol-error',
    reasonCode: ReasonCode.topicAliasInvalid,
    offset: 7,
  },
  {
    name: 'PUBLISH of a client with a subscription identifier [MQTT-3.3.4-6]',
    ...fromClient,
    hex: '30 06 0001 61 02 0b01',
    ...violation,
    offset: 5,
  },
  {
    name: 'PUBLISH of a server with subscription identifier 0',
    ...fromServer,
    hex: '30 06 0001 61 02 0b00',
    ...violation,
    offset: 7,
  },
  {
    name: 'PUBLISH with a response topic that has a wildcard [MQTT-3.3.2-14]',
    ...fromClient,
    hex: '30 08 0001 61 04 08000123',
    ...badTopic,
    offset: 9,
  },
  {
    name: 'PUBLISH whose topic has a NUL [MQTT-1.5.4-2]',
    ...fromClient,
    hex: '30 04 0001 00 00',
    ...malformed,
    offset: 4,
  },
  {
    name: 'PUBLISH whose topic has a surrogate [MQTT-1.5.4-1]',
    ...fromClient,
    hex: '30 06 0003 eda080 00',
    ...malformed,
    offset: 4,
  },
  {
    name: 'PUBLISH whose topic has an overlong NUL',
    ...fromClient,
    hex: '30 05 0002 c080 00',
    ...malformed,
    offset: 4,
  },
  {
    name: 'PUBLISH whose topic runs past the packet',
    ...fromClient,
    hex: '30 03 0005 61',
    ...malformed,
    offset: 4,
  },
  {
    name: 'PUBLISH with payload format indicator 2',
    ...fromClient,
    hex: '30 06 0001 61 02 0102',
    ...violation,
    offset: 7,
  },
  // Acknowledgements
  { name: 'PUBACK of identifier 0', ...fromClient, hex: '40 02 0000', ...violation, offset: 2 },
  {
    name: 'PUBACK with a reason code of another packet',
    ...fromClient,
    hex: '40 03 0001 92',
    ...malformed,
    offset: 4,
  },
  {
    name: 'PUBREL with a reason code of PUBREC',
    ...fromClient,
    hex: '62 03 0001 97',
    ...malformed,
    offset: 4,
  },
  {
    name: 'PUBACK of 3.1.1 with a reason code',
    from: 'client',
    version: 4,
    hex: '40 03 0001 00',
    ...malformed,
    offset: 4,
  },
  { name: 'PUBACK of one byte', ...fromClient, hex: '40 01 00', ...malformed, offset: 2 },
  // SUBSCRIBE and UNSUBSCRIBE
  {
    name: 'SUBSCRIBE without a filter [MQTT-3.8.3-2]',
    ...fromClient,
    hex: '82 03 0001 00',
    ...violation,
    offset: 5,
  },
  {
    name: 'SUBSCRIBE to an empty filter [MQTT-4.7.3-1]',
    ...fromClient,
    hex: '82 06 0001 00 0000 00',
    ...badFilter,
    offset: 5,
  },
  { name: 'SUBSCRIBE with QoS 3', ...fromClient, hex: '82 07 0001 00 0001 61 03', ...violation, offset: 8 },
  {
    name: 'SUBSCRIBE with reserved option bits [MQTT-3.8.3-5]',
    ...fromClient,
    hex: '82 07 0001 00 0001 61 40',
    ...malformed,
    offset: 8,
  },
  {
    name: 'SUBSCRIBE of 3.1.1 with options of 5.0 [MQTT-3.8.3-4 of 3.1.1]',
    from: 'client',
    version: 4,
    hex: '82 06 0001 0001 61 04',
    ...malformed,
    offset: 7,
  },
  {
    name: 'SUBSCRIBE with retain handling 3',
    ...fromClient,
    hex: '82 07 0001 00 0001 61 30',
    ...violation,
    offset: 8,
  },
  {
    name: 'SUBSCRIBE shared and no local [MQTT-3.8.3-4]',
    ...fromClient,
    hex: '82 0f 0001 00 0009 2473686172652f672f 04',
    ...violation,
    offset: 16,
  },
  {
    name: 'SUBSCRIBE with identifier 0',
    ...fromClient,
    hex: '82 07 0000 00 0001 61 00',
    ...violation,
    offset: 2,
  },
  {
    name: 'SUBSCRIBE with subscription identifier 0',
    ...fromClient,
    hex: '82 09 0001 02 0b00 0001 61 00',
    ...violation,
    offset: 6,
  },
  { name: 'SUBSCRIBE without options', ...fromClient, hex: '82 06 0001 00 0001 61', ...malformed, offset: 8 },
  {
    name: 'UNSUBSCRIBE without a filter [MQTT-3.10.3-2]',
    ...fromClient,
    hex: 'a2 03 0001 00',
    ...violation,
    offset: 5,
  },
  { name: 'SUBACK without a reason code', ...fromServer, hex: '90 03 0001 00', ...malformed, offset: 5 },
  {
    name: 'SUBACK of 3.1.1 with a reason code of 5.0',
    from: 'server',
    version: 4,
    hex: '90 03 0001 87',
    ...malformed,
    offset: 4,
  },
  { name: 'UNSUBACK without a reason code', ...fromServer, hex: 'b0 03 0001 00', ...malformed, offset: 5 },
  // CONNACK, DISCONNECT, AUTH
  {
    name: 'CONNACK with reserved flags [MQTT-3.2.2-1]',
    ...fromServer,
    hex: '20 03 02 00 00',
    ...malformed,
    offset: 2,
  },
  {
    name: 'CONNACK that refuses with session present [MQTT-3.2.2-6]',
    ...fromServer,
    hex: '20 03 01 87 00',
    ...violation,
    offset: 2,
  },
  {
    name: 'CONNACK of 3.1.1 with return code 6',
    from: 'server',
    version: 4,
    hex: '20 02 00 06',
    ...malformed,
    offset: 3,
  },
  {
    name: 'CONNACK with a reason code of SUBACK',
    ...fromServer,
    hex: '20 03 00 01 00',
    ...malformed,
    offset: 3,
  },
  {
    name: 'DISCONNECT of a client with a code of servers',
    ...fromClient,
    hex: 'e0 01 8b',
    ...violation,
    offset: 2,
  },
  {
    name: 'DISCONNECT of a server with session expiry [MQTT-3.14.2-2]',
    ...fromServer,
    hex: 'e0 07 8b 05 1100000001',
    ...violation,
    offset: 3,
  },
  { name: 'AUTH with a reason code of CONNACK', ...fromClient, hex: 'f0 02 87 00', ...malformed, offset: 2 },
]

/** The bytes of a hexadecimal text with spaces. */
export function fromHex(hex: string): Uint8Array {
  const digits = hex.replace(/\s/g, '')
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) =>
    Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16),
  )
}
