import { covers, isTopicFilter, isTopicName, matches, splitShared } from '@jamey/protocol'
import { PERMISSION_CASES, type PermissionCase } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import type { ManifestClient } from '../model/manifest.js'
import { type ClientRules, INBOXES, rulesOf, STATUSES } from './client-rules.js'

function client({ clientId, permissions }: Pick<PermissionCase, 'clientId' | 'permissions'>): ManifestClient {
  return { clientId, permissions, component: undefined, proofs: ['certificate'], limits: {} }
}

/** Another client's level right below `root`. */
function isForeign(topic: string, root: string, { clientId }: ClientRules): boolean {
  const levels = topic.split('/')
  return topic.startsWith(`${root}/`) && levels[3] !== clientId && levels[3] !== '#'
}

/** What a broker makes of the rules that compares filters as MQTT says, and can deny what belongs to others. */
function isAllowed(rules: ClientRules, { action, topic }: PermissionCase): boolean {
  if (action === 'publish') {
    if (!isTopicName(topic) || topic.startsWith('$share/')) return false
    if (!rules.publish.some((filter) => matches(filter, topic))) return false
    return !(rules.reachesStatuses && isForeign(topic, STATUSES, rules))
  }
  const received = [...rules.subscribe, ...rules.shares.map(({ filter }) => filter)]
  if (action === 'receive') {
    if (!isTopicName(topic) || topic.startsWith('$share/')) return false
    if (!received.some((filter) => matches(filter, topic))) return false
    return !(rules.reachesInboxes && isForeign(topic, INBOXES, rules))
  }
  if (!isTopicFilter(topic)) return false
  const { group, filter } = splitShared(topic)
  if (rules.reachesInboxes && isForeign(filter, INBOXES, rules)) return false
  if (group === undefined) return rules.subscribe.some((allowed) => covers(allowed, filter))
  return rules.shares.some((share) => share.group === group && covers(share.filter, filter))
}

describe('the rules of a client', () => {
  const cases = PERMISSION_CASES.filter(({ action }) => action !== 'act-for')

  it.each(cases)('say as much as its permissions: $name', (each) => {
    expect(isAllowed(rulesOf(client(each)), each)).toBe(each.isAllowed)
  })

  it('are the same in whatever order the permissions stand, and name nothing twice', () => {
    const permissions = ['publish:jamey/b', 'jamey/a', 'subscribe:$share/g/x', 'subscribe:$share/a/y']
    const rules = rulesOf(client({ clientId: 'eva', permissions }))
    const turned = [...permissions, ...permissions].reverse()
    expect(rulesOf(client({ clientId: 'eva', permissions: [...new Set(turned)] }))).toEqual(rules)
    expect(rules).toEqual({
      clientId: 'eva',
      publish: ['jamey/a', 'jamey/a/eva', 'jamey/b', 'jamey/b/eva', 'jamey/events/status/eva'],
      subscribe: ['jamey/a', 'jamey/api/responses/eva/#'],
      shares: [
        { group: 'a', filter: 'y' },
        { group: 'g', filter: 'x' },
      ],
      relays: [],
      reachesStatuses: false,
      reachesInboxes: false,
    })
  })

  it('leave open what belongs to those whose messages the client relays', () => {
    const permissions = ['jamey/#', 'relay:+']
    expect(rulesOf(client({ clientId: 'bridge', permissions }))).toMatchObject({
      relays: ['+'],
      reachesStatuses: false,
      reachesInboxes: false,
    })
    const one = rulesOf(client({ clientId: 'bridge', permissions: ['jamey/events/status/ada', 'relay:ada'] }))
    expect([one.reachesStatuses, one.publish]).toEqual([
      false,
      ['jamey/events/status/ada', 'jamey/events/status/ada/bridge', 'jamey/events/status/bridge'],
    ])
  })

  it('refuse a permission that cannot be read', () => {
    expect(() => rulesOf(client({ clientId: 'eva', permissions: ['jamey/#/x'] }))).toThrow(
      'permission "jamey/#/x" has no valid topic filter',
    )
  })
})
