import { Permissions as PermissionList, type Permissions } from '@jamey/auth'
import type { BusConfig, ConfigurationFault } from '@jamey/bus'
import { isTopicFilter, overlaps, splitShared } from '@jamey/protocol'

/** One filter that is carried from one of the sides to the other. */
export interface Carried {
  readonly from: 0 | 1
  /** As it is subscribed to: with `$share/<group>/` where the bridge is to be a member of a group. */
  readonly filter: string
  /** The highest QoS; undefined: what both sides have. */
  readonly qos: 0 | 1 | 2 | undefined
  /** Filters of topics that are retained on the side that it comes from, for one that does not tell it. */
  readonly retained: readonly string[]
  /** Which entry of the settings says so. */
  readonly where: string
}

interface Side {
  readonly name: string
  readonly config: Pick<BusConfig, 'protocolVersion' | 'clientId' | 'permissions'>
}

const isShared = ({ filter }: Carried): boolean => splitShared(filter).group !== undefined

function doOverlap(one: Carried, other: Carried): boolean {
  return overlaps(splitShared(one.filter).filter, splitShared(other.filter).filter)
}

/** Pairs of entries, one each way, that select the same topics, so that what is carried over would come back. */
export function bothWays(carried: readonly Carried[]): readonly (readonly [Carried, Carried])[] {
  const there = carried.filter(({ from }) => from === 0)
  const back = carried.filter(({ from }) => from === 1)
  return there.flatMap((one) =>
    back.flatMap((other) => (doOverlap(one, other) ? [[one, other] as const] : [])),
  )
}

/** What cannot be carried, and why. */
export function routeFaults(carried: readonly Carried[], sides: readonly [Side, Side]): ConfigurationFault[] {
  const valid = carried.filter(({ filter }) => isTopicFilter(filter))
  return [
    ...carried.flatMap(filterFault),
    ...doubledFaults(valid),
    ...bothWays(valid).flatMap(([one, other]) => loopFault(one, other, sides)),
    ...permissionFaults(valid, sides),
  ]
}

function filterFault({ filter, where, retained }: Carried): ConfigurationFault[] {
  const wrong = [filter, ...retained].find((one) => !isTopicFilter(one))
  if (wrong !== undefined) {
    return [{ variable: where, found: JSON.stringify(wrong), expected: 'a topic filter of MQTT' }]
  }
  if (!splitShared(filter).filter.startsWith('$')) return []
  const expected = 'topics of clients: what begins with $ each server keeps for itself'
  return [{ variable: where, found: JSON.stringify(filter), expected }]
}

/** Two subscriptions that select the same topic bring a message twice, or take it from a group and keep it as well. */
function doubledFaults(carried: readonly Carried[]): ConfigurationFault[] {
  return carried.flatMap((one, i) =>
    carried
      .slice(0, i)
      .filter((other) => other.from === one.from && doOverlap(one, other))
      .map((other) => ({
        variable: one.where,
        found: `${JSON.stringify(one.filter)} beside ${JSON.stringify(other.filter)} (${other.where})`,
        expected: 'filters of one direction that have no topic in common, or messages would be carried twice',
      })),
  )
}

/** What is carried over must not come back: No Local keeps it from that, which shared subscriptions and 3.1.1 have not. */
function loopFault(one: Carried, other: Carried, sides: readonly [Side, Side]): ConfigurationFault[] {
  const found = `${JSON.stringify(one.filter)} there and ${JSON.stringify(other.filter)} back (${other.where})`
  if (isShared(one) || isShared(other)) {
    const expected =
      'one direction: a member of a share group is handed what it has carried over itself, and would carry it back'
    return [{ variable: one.where, found, expected }]
  }
  const old = sides.find(({ config }) => config.protocolVersion === 4)
  return old === undefined ? [] : [{ variable: one.where, found, expected: oneWayAt(old.name) }]
}

/** Why topics are carried one way only where a broker speaks MQTT 3.1.1. */
export function oneWayAt(name: string): string {
  return `topics that go one way: ${name} speaks MQTT 3.1.1, which has no way to keep a client's own messages from it`
}

/** Where a side says in MQTT_PERMISSIONS what the bridge may do there, that has to be enough. */
function permissionFaults(carried: readonly Carried[], sides: readonly [Side, Side]): ConfigurationFault[] {
  return sides.flatMap(({ name, config }, side) => {
    if (config.permissions.length === 0) return []
    const permissions: Permissions = new PermissionList(config.permissions, { clientId: config.clientId })
    const isMissing = ({ from, filter }: Carried): boolean =>
      from === side
        ? !permissions.maySubscribe(filter)
        : !permissions.mayPublishWithin(splitShared(filter).filter)
    return carried.filter(isMissing).map(({ from, filter, where }) => ({
      variable: `sides.${name}: MQTT_PERMISSIONS`,
      found: 'a list without it',
      expected: `${from === side ? 'subscribe' : 'publish'}:${from === side ? filter : splitShared(filter).filter}, for ${where} (or no list: it is made from what is carried)`,
    }))
  })
}

/** What the bridge needs on a side, as a list of permissions. */
export function neededPermissions(
  carried: readonly Carried[],
  side: 0 | 1,
  relays: readonly string[],
): readonly string[] {
  const subscribed = carried.filter(({ from }) => from === side).map(({ filter }) => `subscribe:${filter}`)
  const published = carried
    .filter(({ from }) => from !== side)
    .map(({ filter }) => splitShared(filter).filter)
    // Where the broker does not tell the sender, the topic has it as one more level.
    .flatMap((filter) => (filter.endsWith('#') ? [filter] : [filter, `${filter}/+`]))
    .map((filter) => `publish:${filter}`)
  return [...new Set([...subscribed, ...published, ...relays.map((whom) => `relay:${whom}`)])]
}
