/**
 * The properties of MQTT 5.0 (section 2.2.2.2): one row each. Types, reader, writer and tests come from this table.
 */
export const PROPERTIES = [
  { id: 0x01, name: 'payloadFormatIndicator', kind: 'flag', on: ['publish', 'will'], repeats: false },
  { id: 0x02, name: 'messageExpiryInterval', kind: 'uint32', on: ['publish', 'will'], repeats: false },
  { id: 0x03, name: 'contentType', kind: 'string', on: ['publish', 'will'], repeats: false },
  { id: 0x08, name: 'responseTopic', kind: 'topic', on: ['publish', 'will'], repeats: false },
  { id: 0x09, name: 'correlationData', kind: 'binary', on: ['publish', 'will'], repeats: false },
  { id: 0x0b, name: 'subscriptionIdentifiers', kind: 'positiveVarint', on: ['publish'], repeats: true },
  { id: 0x0b, name: 'subscriptionIdentifier', kind: 'positiveVarint', on: ['subscribe'], repeats: false },
  {
    id: 0x11,
    name: 'sessionExpiryInterval',
    kind: 'uint32',
    on: ['connect', 'connack', 'disconnect'],
    repeats: false,
  },
  { id: 0x12, name: 'assignedClientIdentifier', kind: 'string', on: ['connack'], repeats: false },
  { id: 0x13, name: 'serverKeepAlive', kind: 'uint16', on: ['connack'], repeats: false },
  {
    id: 0x15,
    name: 'authenticationMethod',
    kind: 'string',
    on: ['connect', 'connack', 'auth'],
    repeats: false,
  },
  {
    id: 0x16,
    name: 'authenticationData',
    kind: 'binary',
    on: ['connect', 'connack', 'auth'],
    repeats: false,
  },
  { id: 0x17, name: 'requestProblemInformation', kind: 'flag', on: ['connect'], repeats: false },
  { id: 0x18, name: 'willDelayInterval', kind: 'uint32', on: ['will'], repeats: false },
  { id: 0x19, name: 'requestResponseInformation', kind: 'flag', on: ['connect'], repeats: false },
  { id: 0x1a, name: 'responseInformation', kind: 'string', on: ['connack'], repeats: false },
  { id: 0x1c, name: 'serverReference', kind: 'string', on: ['connack', 'disconnect'], repeats: false },
  {
    id: 0x1f,
    name: 'reasonString',
    kind: 'string',
    on: ['connack', 'puback', 'pubrec', 'pubrel', 'pubcomp', 'suback', 'unsuback', 'disconnect', 'auth'],
    repeats: false,
  },
  { id: 0x21, name: 'receiveMaximum', kind: 'positiveUint16', on: ['connect', 'connack'], repeats: false },
  { id: 0x22, name: 'topicAliasMaximum', kind: 'uint16', on: ['connect', 'connack'], repeats: false },
  { id: 0x23, name: 'topicAlias', kind: 'topicAlias', on: ['publish'], repeats: false },
  { id: 0x24, name: 'maximumQoS', kind: 'flag', on: ['connack'], repeats: false },
  { id: 0x25, name: 'retainAvailable', kind: 'flag', on: ['connack'], repeats: false },
  {
    id: 0x26,
    name: 'userProperties',
    kind: 'pair',
    on: [
      'connect',
      'connack',
      'publish',
      'will',
      'puback',
      'pubrec',
      'pubrel',
      'pubcomp',
      'subscribe',
      'suback',
      'unsubscribe',
      'unsuback',
      'disconnect',
      'auth',
    ],
    repeats: true,
  },
  { id: 0x27, name: 'maximumPacketSize', kind: 'positiveUint32', on: ['connect', 'connack'], repeats: false },
  { id: 0x28, name: 'wildcardSubscriptionAvailable', kind: 'flag', on: ['connack'], repeats: false },
  { id: 0x29, name: 'subscriptionIdentifiersAvailable', kind: 'flag', on: ['connack'], repeats: false },
  { id: 0x2a, name: 'sharedSubscriptionAvailable', kind: 'flag', on: ['connack'], repeats: false },
] as const

/** The type of a property's value, by its kind. `flag` is a byte of 0 or 1; `topic` a topic name without wildcards. */
interface ValueOf {
  flag: 0 | 1
  uint16: number
  positiveUint16: number
  topicAlias: number
  uint32: number
  positiveUint32: number
  positiveVarint: number
  string: string
  topic: string
  binary: Uint8Array
  pair: UserProperty
}

export type UserProperty = readonly [name: string, value: string]
export type PropertyRow = (typeof PROPERTIES)[number]
export type PropertyKind = keyof ValueOf
/** The packets that have properties, and the will inside CONNECT. */
export type PropertyHolder = PropertyRow['on'][number]

type RowOn<H extends PropertyHolder, Row = PropertyRow> = Row extends { on: readonly (infer On)[] }
  ? H extends On
    ? Row
    : never
  : never

/** The properties that packet `H` may carry, under the standard's names; absent ones are left out or undefined. */
export type PropertiesOf<H extends PropertyHolder> = {
  [Row in RowOn<H> as Row extends { name: infer Name extends string } ? Name : never]?:
    | (Row extends { kind: infer Kind extends PropertyKind; repeats: infer Repeats }
        ? Repeats extends true
          ? readonly ValueOf[Kind][]
          : ValueOf[Kind]
        : never)
    | undefined
}

export type ConnectProperties = PropertiesOf<'connect'>
export type ConnackProperties = PropertiesOf<'connack'>
export type WillProperties = PropertiesOf<'will'>
export type PublishProperties = PropertiesOf<'publish'>
export type PubackProperties = PropertiesOf<'puback'>
export type SubscribeProperties = PropertiesOf<'subscribe'>
export type SubackProperties = PropertiesOf<'suback'>
export type UnsubscribeProperties = PropertiesOf<'unsubscribe'>
export type UnsubackProperties = PropertiesOf<'unsuback'>
export type DisconnectProperties = PropertiesOf<'disconnect'>
export type AuthProperties = PropertiesOf<'auth'>
