import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ConfigurationError } from '@jamey/bus'
import { beforeEach, describe, expect, it } from 'vitest'
import { neededPermissions } from './routes.js'
import { type BridgeFlags, readBridgeSettings } from './settings.js'
import { newFolder } from './two-brokers.support.js'

const SIDE = 'MQTT_BROKER_URL=mqtt://127.0.0.1\nMQTT_CLIENT_ID=jamey-bridge\nMQTT_INSECURE=1\n'

let folder: string

beforeEach(() => {
  folder = newFolder()
  write('ours.env', SIDE)
  write('cluster.env', SIDE)
})

function write(name: string, text: string): void {
  writeFileSync(join(folder, name), text, { mode: 0o600 })
}

function file(text: string): BridgeFlags {
  write('bridge.yaml', text)
  return { config: 'bridge.yaml' }
}

function faultsOf(flags: BridgeFlags): readonly string[] {
  try {
    readBridgeSettings(flags, folder)
    return []
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    return error.faults.map(({ variable, found, expected }) => `${variable}: ${found}; ${expected}`)
  }
}

const whole = (carry: string): string => `
sides: { ours: ours.env, cluster: cluster.env }
outbox: out
carry:
${carry}`

describe('the settings of a bridge', () => {
  it('come from a file, whose paths begin in its folder', () => {
    const flags = file(
      whole(
        "  - { from: ours, filters: [lab/#], qos: 1, retained: [lab/kept] }\n  - { from: both, filters: ['jamey/events/#'] }",
      ),
    )
    const { sides, carried, outboxFolder, relays, limits } = readBridgeSettings(flags, folder)
    expect(sides.map(({ name, config }) => [name, config.clientId])).toEqual([
      ['ours', 'jamey-bridge'],
      ['cluster', 'jamey-bridge'],
    ])
    expect(carried.map(({ from, filter, qos, retained }) => [from, filter, qos, retained])).toEqual([
      [0, 'lab/#', 1, ['lab/kept']],
      [0, 'jamey/events/#', undefined, []],
      [1, 'jamey/events/#', undefined, []],
    ])
    expect([outboxFolder, relays]).toEqual([join(folder, 'out'), []])
    expect(limits).toEqual({ messages: 1_000_000, bytes: 1_073_741_824, receiveMaximum: 256 })
  })

  it('can be as docs/bridge.md has them', () => {
    const page = readFileSync(resolve(import.meta.dirname, '../../../../docs/bridge.md'), 'utf8')
    const [first, second] = [...page.matchAll(/^ *```yaml\n([\s\S]*?)^ *```$/gm)].map(([, text = '']) => text)
    expect(readBridgeSettings(file(first ?? ''), folder).carried).toHaveLength(6)
    write('old.env', SIDE)
    write('new.env', SIDE)
    expect(readBridgeSettings(file((second ?? '').replaceAll(/^ {3}/gm, '')), folder).carried).toHaveLength(6)
  })

  it('come from options as well', () => {
    const { sides, carried, relays, healthPort } = readBridgeSettings(
      {
        side: ['a=ours.env', 'b=cluster.env'],
        carry: ['a:lab/#', 'b:$share/g/jamey/t'],
        relay: 'ada, bob',
        outbox: 'out',
        healthPort: 8084,
      },
      folder,
    )
    expect(sides.map(({ name }) => name)).toEqual(['a', 'b'])
    expect(carried.map(({ from, filter }) => [from, filter])).toEqual([
      [0, 'lab/#'],
      [1, '$share/g/jamey/t'],
    ])
    expect([relays, healthPort]).toEqual([['ada', 'bob'], 8084])
  })

  it('say what a client of each side needs, as permissions', () => {
    const carried = readBridgeSettings(
      file(
        whole(
          "  - { from: ours, filters: ['$share/g/jamey/t', 'lab/#'] }\n  - { from: cluster, filters: [answers/#] }",
        ),
      ),
      folder,
    ).carried
    expect(neededPermissions(carried, 0, ['+'])).toEqual([
      'subscribe:$share/g/jamey/t',
      'subscribe:lab/#',
      'publish:answers/#',
      'relay:+',
    ])
    expect(neededPermissions(carried, 1, [])).toEqual([
      'subscribe:answers/#',
      'publish:jamey/t',
      'publish:jamey/t/+',
      'publish:lab/#',
    ])
  })

  it.each<[string, string, readonly string[]]>([
    [
      'nothing is said',
      '',
      [
        'bridge.yaml: sides: nothing; two sides, each a name and a file of MQTT_* variables',
        'bridge.yaml: carry: nothing; a list of what is carried, each with from and filters',
        'bridge.yaml: outbox: nothing; the path of a folder',
      ],
    ],
    [
      'there is a third side, a field nobody knows, and a limit that is none',
      'sides: { a: ours.env, b: ours.env, c: ours.env }\noutbox: out\ncarried: []\nlimits: { messages: 0 }\ncarry: [{ from: a, filters: [] }]',
      [
        'bridge.yaml: sides: {"a":"ours.env","b":"ours.env","c":"ours.env"}; two sides, each a name and a file of MQTT_* variables',
        'bridge.yaml: carry[0].filters: []; at least one topic filter',
        'bridge.yaml: limits.messages: 0; a number of messages, 1 at least',
        'bridge.yaml: carried: an unknown field; sides, carry, relay, outbox, sessionDays, limits, health',
      ],
    ],
    [
      'a side is none, and a filter is none',
      whole('  - { from: elsewhere, filters: [lab/#] }\n  - { from: ours, filters: ["a/#/b", "$SYS/#"] }'),
      [
        'carry[0].from: "elsewhere"; ours, cluster, both',
        'carry[1]: "a/#/b"; a topic filter of MQTT',
        'carry[1]: "$SYS/#"; topics of clients: what begins with $ each server keeps for itself',
      ],
    ],
    [
      'a message would be carried twice',
      whole("  - { from: ours, filters: ['lab/#', '$share/g/lab/+'] }"),
      [
        'carry[0]: "$share/g/lab/+" beside "lab/#" (carry[0]); filters of one direction that have no topic in common, or messages would be carried twice',
      ],
    ],
    [
      'a group would be carried both ways',
      whole("  - { from: both, filters: ['$share/g/lab/a'] }"),
      [
        'carry[0]: "$share/g/lab/a" there and "$share/g/lab/a" back (carry[0]); one direction: a member of a share group is handed what it has carried over itself, and would carry it back',
      ],
    ],
  ])('are refused where %s', (_what, text, faults) => {
    expect(faultsOf(file(text))).toEqual(faults)
  })

  it('are refused where a topic goes both ways and a side speaks MQTT 3.1.1', () => {
    write('cluster.env', `${SIDE}MQTT_PROTOCOL_VERSION=4\n`)
    expect(faultsOf(file(whole('  - { from: both, filters: [lab/#] }')))).toEqual([
      'carry[0]: "lab/#" there and "lab/#" back (carry[0]); topics that go one way: cluster speaks MQTT 3.1.1, which has no way to keep a client\'s own messages from it',
    ])
  })

  it('are refused where the variables of a side cannot be used, or do not let it', () => {
    write('ours.env', `${SIDE}MQTT_PERMISSIONS=subscribe:lab/a\n`)
    write('cluster.env', 'MQTT_CLIENT_ID=a/b\nMQTT_INSECURE=1\n')
    const flags = file(whole('  - { from: ours, filters: [lab/#] }'))
    expect(faultsOf(flags)).toEqual([
      'sides.cluster: MQTT_CLIENT_ID: "a/b"; 1 to 128 characters without / + # and control characters, unique among all clients',
    ])
    write('cluster.env', SIDE)
    expect(faultsOf(flags)).toEqual([
      'sides.ours: MQTT_PERMISSIONS: a list without it; subscribe:lab/#, for carry[0] (or no list: it is made from what is carried)',
    ])
    expect(faultsOf({ ...flags, side: ['ours=none.env', 'cluster=cluster.env'] })[0]).toContain('none.env')
  })
})
