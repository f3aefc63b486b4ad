import fc from 'fast-check'
import type { Packet, ProtocolVersion, Publish, QoS, SubscriptionRequest } from './packets.js'
import { PROPERTIES, type PropertiesOf, type PropertyHolder, type PropertyKind } from './properties.js'
import { DISCONNECT_CODES_OF_CLIENT, REASON_CODES_OF, RETURN_CODE_OF } from './reason-codes.js'

/** Packets as a well-behaved peer sends them, drawn from the same tables the codec is made from. */

const text = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((value) => !value.includes('\0'))
const topic = text.map((value) => `t/${value.replace(/[+#]/g, '')}`)
const filter = fc.oneof(topic, fc.constantFrom('#', '+', '+/a', 'a/#', '$share/g/+', '$SYS/#'))
const binary = fc.uint8Array({ maxLength: 12 })
const identifier = fc.integer({ min: 1, max: 65_535 })
const qos = fc.constantFrom<QoS>(0, 1, 2)
/** Around the lengths at which a packet's length takes one, two and three bytes, and a payload goes uncopied. */
const payload = fc.oneof(
  { arbitrary: binary, weight: 30 },
  { arbitrary: fc.constantFrom(110, 128, 200).map(filled), weight: 9 },
  { arbitrary: fc.constantFrom(16_250, 16_384).map(filled), weight: 1 },
)

function filled(bytes: number): Uint8Array {
  return new Uint8Array(bytes).fill(bytes)
}

const VALUE_OF: Record<PropertyKind, fc.Arbitrary<unknown>> = {
  flag: fc.constantFrom(0, 1),
  uint16: fc.integer({ min: 0, max: 65_535 }),
  positiveUint16: identifier,
  topicAlias: identifier,
  uint32: fc.integer({ min: 0, max: 0xffff_ffff }),
  positiveUint32: fc.integer({ min: 1, max: 0xffff_ffff }),
  positiveVarint: fc.integer({ min: 1, max: 268_435_455 }),
  string: text,
  topic,
  binary,
  pair: fc.tuple(text, text),
}

/** Property sets of `holder`, or undefined; empty sets are undefined on the wire, so none are drawn. */
function propertiesOf<H extends PropertyHolder>(
  holder: H,
  without: readonly string[] = [],
): fc.Arbitrary<PropertiesOf<H> | undefined> {
  const model: Record<string, fc.Arbitrary<unknown>> = {}
  for (const row of PROPERTIES) {
    if (!(row.on as readonly PropertyHolder[]).includes(holder) || without.includes(row.name)) continue
    const value = VALUE_OF[row.kind]
    model[row.name] = row.repeats ? fc.array(value, { minLength: 1, maxLength: 3 }) : value
  }
  return fc.option(fc.record(model, { requiredKeys: [] }), { nil: undefined }).map((set) => {
    if (set === undefined || Object.keys(set).length === 0) return undefined
    // Authentication data needs a method.
    if ('authenticationData' in set) set['authenticationMethod'] ??= 'method'
    return set as PropertiesOf<H>
  })
}

const none = fc.constant(undefined)
const oneOf = (codes: ReadonlySet<number>) => fc.constantFrom(...codes)

export function clientPackets(version: ProtocolVersion): fc.Arbitrary<Packet> {
  const on = <H extends PropertyHolder>(holder: H, without: readonly string[] = []) =>
    version === 5 ? propertiesOf(holder, without) : none
  return fc.oneof(
    connectPackets(version, on),
    publishPackets(on('publish', ['subscriptionIdentifiers', 'topicAlias'])),
    ...acknowledgements(version),
    fc.record({
      type: fc.constant('subscribe' as const),
      packetIdentifier: identifier,
      subscriptions: fc.array(subscriptions(version), { minLength: 1, maxLength: 4 }),
      properties: on('subscribe'),
    }),
    fc.record({
      type: fc.constant('unsubscribe' as const),
      packetIdentifier: identifier,
      filters: fc.array(filter, { minLength: 1, maxLength: 4 }),
      properties: on('unsubscribe'),
    }),
    fc.constant({ type: 'pingreq' as const }),
    fc.record({
      type: fc.constant('disconnect' as const),
      reasonCode: version === 5 ? oneOf(DISCONNECT_CODES_OF_CLIENT) : fc.constant(0),
      properties: on('disconnect'),
    }),
    ...(version === 5 ? [authPackets()] : []),
  )
}

export function serverPackets(version: ProtocolVersion): fc.Arbitrary<Packet> {
  const on = <H extends PropertyHolder>(holder: H, without: readonly string[] = []) =>
    version === 5 ? propertiesOf(holder, without) : none
  const codes = version === 5 ? REASON_CODES_OF.connack : new Set(RETURN_CODE_OF.keys())
  const subackCodes = version === 5 ? REASON_CODES_OF.suback : new Set([0, 1, 2, 0x80])
  return fc.oneof(
    fc
      .record({
        type: fc.constant('connack' as const),
        sessionPresent: fc.boolean(),
        reasonCode: oneOf(codes),
        properties: on('connack'),
      })
      .map((packet) => ({ ...packet, sessionPresent: packet.sessionPresent && packet.reasonCode === 0 })),
    publishPackets(on('publish', ['topicAlias'])),
    ...acknowledgements(version),
    fc.record({
      type: fc.constant('suback' as const),
      packetIdentifier: identifier,
      reasonCodes: fc.array(oneOf(subackCodes), { minLength: 1, maxLength: 4 }),
      properties: on('suback'),
    }),
    fc.record({
      type: fc.constant('unsuback' as const),
      packetIdentifier: identifier,
      reasonCodes:
        version === 5
          ? fc.array(oneOf(REASON_CODES_OF.unsuback), { minLength: 1, maxLength: 4 })
          : fc.constant([]),
      properties: on('unsuback'),
    }),
    fc.constant({ type: 'pingresp' as const }),
    ...(version === 5
      ? [
          authPackets(),
          fc.record({
            type: fc.constant('disconnect' as const),
            reasonCode: oneOf(REASON_CODES_OF.disconnect),
            properties: propertiesOf('disconnect', ['sessionExpiryInterval']),
          }),
        ]
      : []),
  )
}

function connectPackets(
  version: ProtocolVersion,
  on: <H extends PropertyHolder>(holder: H) => fc.Arbitrary<PropertiesOf<H> | undefined>,
): fc.Arbitrary<Packet> {
  const will = fc.record({ topic, payload: binary, qos, retain: fc.boolean(), properties: on('will') })
  return fc
    .record({
      type: fc.constant('connect' as const),
      protocolVersion: fc.constant(version),
      cleanStart: fc.boolean(),
      keepAlive: fc.integer({ min: 0, max: 65_535 }),
      clientId: text,
      will: fc.option(will, { nil: undefined }),
      username: fc.option(text, { nil: undefined }),
      password: fc.option(binary, { nil: undefined }),
      properties: on('connect'),
    })
    .map((packet) => ({
      ...packet,
      password: version < 5 && packet.username === undefined ? undefined : packet.password,
    }))
}

export function publishPackets(
  properties: fc.Arbitrary<PropertiesOf<'publish'> | undefined> = propertiesOf('publish'),
): fc.Arbitrary<Publish> {
  return fc
    .record({
      type: fc.constant('publish' as const),
      topic,
      payload,
      qos,
      retain: fc.boolean(),
      dup: fc.boolean(),
      packetIdentifier: identifier,
      properties,
    })
    .map((packet) => (packet.qos === 0 ? { ...packet, dup: false, packetIdentifier: 0 } : packet))
}

function acknowledgements(version: ProtocolVersion): fc.Arbitrary<Packet>[] {
  return (['puback', 'pubrec', 'pubrel', 'pubcomp'] as const).map((type) =>
    fc.record({
      type: fc.constant(type),
      packetIdentifier: identifier,
      reasonCode: version === 5 ? oneOf(REASON_CODES_OF[type]) : fc.constant(0),
      properties: version === 5 ? propertiesOf(type) : none,
    }),
  )
}

function authPackets(): fc.Arbitrary<Packet> {
  return fc.record({
    type: fc.constant('auth' as const),
    reasonCode: oneOf(REASON_CODES_OF.auth),
    properties: propertiesOf('auth'),
  })
}

function subscriptions(version: ProtocolVersion): fc.Arbitrary<SubscriptionRequest> {
  const onlyIn5 = version === 5
  return fc
    .record({
      filter,
      qos,
      noLocal: onlyIn5 ? fc.boolean() : fc.constant(false),
      retainAsPublished: onlyIn5 ? fc.boolean() : fc.constant(false),
      retainHandling: onlyIn5 ? fc.constantFrom<0 | 1 | 2>(0, 1, 2) : fc.constant<0>(0),
    })
    .map((request) => ({ ...request, noLocal: request.noLocal && !request.filter.startsWith('$share/') }))
}
