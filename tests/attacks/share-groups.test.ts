import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Peer } from './peer.js'
import { ASKING, AttackedSystem, VERSIONS, type Version } from './system.js'

const EVALUATE = 'jamey/conscience/evaluate'
const HARMFUL = { action: 'kill the neighbour' }
let system: AttackedSystem

beforeAll(async () => {
  system = await AttackedSystem.start()
})
afterAll(() => system?.stop())

/** May read what is asked, as somebody who watches the system does, and ask itself. */
function watcher(version: Version): Promise<Peer> {
  return system.peer(
    'attacker',
    [...ASKING, 'subscribe:jamey/conscience/#', 'subscribe:jamey/+/evaluate/#'],
    version,
  )
}

/** What the server lets it into, of these. */
async function joined(peer: Peer, filters: readonly string[]): Promise<string[]> {
  const results = await Promise.allSettled(filters.map((filter) => peer.hear(filter)))
  return filters.filter((_, i) => results[i]?.status === 'fulfilled')
}

describe.each(VERSIONS)('over MQTT %i, a share group of a service', (version) => {
  const GROUPS = [
    '$share/conscience/jamey/conscience/evaluate',
    '$share/conscience/jamey/conscience/evaluate/#',
    '$share/conscience/jamey/conscience/#',
    '$share/conscience/jamey/+/evaluate/#',
    '$share/conscience/+/+/evaluate',
    '$share/Conscience/jamey/conscience/evaluate/#',
    '$share/%c/jamey/conscience/evaluate/#',
    '$share/x/jamey/conscience/evaluate/#',
    '$share/conscience/#',
  ]

  it('lets nobody in who may only read its topic, so that no request vanishes or is swapped', async () => {
    const attacker = await watcher(version)
    expect(await joined(attacker, GROUPS)).toEqual([])
    const victim = await system.peer('victim', ASKING, version)
    const asked = Array.from({ length: 8 }, () => victim.ask(EVALUATE, 'evaluate', HARMFUL))
    for (const { data } of await Promise.all(asked))
      expect(data).toMatchObject({ approved: false, action: HARMFUL.action })
  })

  it('is not opened by jamey/# or #', async () => {
    for (const permissions of [['jamey/#'], ['#'], ['subscribe:#', 'publish:jamey/#']]) {
      expect(await joined(await system.peer('attacker', permissions, version), GROUPS)).toEqual([])
    }
  })

  it('is opened by its own right alone, to that group and no other', async () => {
    const permissions = ['subscribe:$share/analysts/jamey/conscience/results/#']
    const analyst = await system.peer('analyst', permissions, version)
    expect(await joined(analyst, ['$share/analysts/jamey/conscience/results/#'])).toHaveLength(1)
    expect(
      await joined(analyst, [
        '$share/others/jamey/conscience/results/#',
        'jamey/conscience/results/#',
        ...GROUPS,
      ]),
    ).toEqual([])
  })
})
