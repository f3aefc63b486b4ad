import type {
  AuthProperties,
  ConnackProperties,
  ConnectProperties,
  DisconnectProperties,
  PubackProperties,
  PublishProperties,
  SubackProperties,
  SubscribeProperties,
  UnsubackProperties,
  UnsubscribeProperties,
  WillProperties,
} from './properties.js'

/** The protocol level on the wire: 3 is MQTT 3.1, 4 is MQTT 3.1.1, 5 is MQTT 5.0. */
export type ProtocolVersion = 3 | 4 | 5
export type QoS = 0 | 1 | 2

/** The type in the upper four bits of a packet's first byte. [MQTT 5.0 table 2-1] */
export const PacketType = {
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  suback: 9,
  unsubscribe: 10,
  unsuback: 11,
  pingreq: 12,
  pingresp: 13,
  disconnect: 14,
  auth: 15,
} as const

export type PacketName = keyof typeof PacketType

/** The lower four bits of a packet's first byte, which are fixed for all but PUBLISH. [MQTT-2.1.3-1] */
export function fixedFlagsOf(name: PacketName): number {
  return name === 'pubrel' || name === 'subscribe' || name === 'unsubscribe' ? 2 : 0
}

/** The message a server publishes when a connection ends without DISCONNECT 0x00. Section 3.1.2.5. */
export interface Will {
  topic: string
  payload: Uint8Array
  qos: QoS
  retain: boolean
  properties: WillProperties | undefined
}

export interface Connect {
  type: 'connect'
  protocolVersion: ProtocolVersion
  /** Called Clean Session before MQTT 5.0. */
  cleanStart: boolean
  /** Seconds; 0 turns the mechanism off. */
  keepAlive: number
  clientId: string
  will: Will | undefined
  username: string | undefined
  password: Uint8Array | undefined
  properties: ConnectProperties | undefined
}

export interface Connack {
  type: 'connack'
  sessionPresent: boolean
  /** An MQTT 5.0 reason code for every protocol version. */
  reasonCode: number
  properties: ConnackProperties | undefined
}

export interface Publish {
  type: 'publish'
  /** Empty only where a topic alias stands for it. */
  topic: string
  /** When decoded, a view of the bytes that were pushed: copy it to keep it. */
  payload: Uint8Array
  qos: QoS
  retain: boolean
  dup: boolean
  /** 1 to 65535; 0 when `qos` is 0. */
  packetIdentifier: number
  properties: PublishProperties | undefined
}

/** PUBACK, PUBREC, PUBREL and PUBCOMP share one shape. */
export interface Acknowledgement<Type extends 'puback' | 'pubrec' | 'pubrel' | 'pubcomp'> {
  type: Type
  packetIdentifier: number
  /** Always 0 before MQTT 5.0. */
  reasonCode: number
  properties: PubackProperties | undefined
}

export type Puback = Acknowledgement<'puback'>
export type Pubrec = Acknowledgement<'pubrec'>
export type Pubrel = Acknowledgement<'pubrel'>
export type Pubcomp = Acknowledgement<'pubcomp'>

/** One filter of a SUBSCRIBE with its options; the last three exist in MQTT 5.0 only. Section 3.8.3.1. */
export interface SubscriptionRequest {
  filter: string
  qos: QoS
  noLocal: boolean
  retainAsPublished: boolean
  /** 0: send retained messages; 1: only when the subscription is new; 2: never. */
  retainHandling: 0 | 1 | 2
}

export interface Subscribe {
  type: 'subscribe'
  packetIdentifier: number
  subscriptions: readonly SubscriptionRequest[]
  properties: SubscribeProperties | undefined
}

export interface Suback {
  type: 'suback'
  packetIdentifier: number
  reasonCodes: readonly number[]
  properties: SubackProperties | undefined
}

export interface Unsubscribe {
  type: 'unsubscribe'
  packetIdentifier: number
  filters: readonly string[]
  properties: UnsubscribeProperties | undefined
}

export interface Unsuback {
  type: 'unsuback'
  packetIdentifier: number
  /** Empty before MQTT 5.0. */
  reasonCodes: readonly number[]
  properties: UnsubackProperties | undefined
}

export interface Pingreq {
  type: 'pingreq'
}

export interface Pingresp {
  type: 'pingresp'
}

export interface Disconnect {
  type: 'disconnect'
  reasonCode: number
  properties: DisconnectProperties | undefined
}

export interface Auth {
  type: 'auth'
  reasonCode: number
  properties: AuthProperties | undefined
}

export type Packet =
  | Connect
  | Connack
  | Publish
  | Puback
  | Pubrec
  | Pubrel
  | Pubcomp
  | Subscribe
  | Suback
  | Unsubscribe
  | Unsuback
  | Pingreq
  | Pingresp
  | Disconnect
  | Auth
