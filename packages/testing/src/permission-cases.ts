import type { PermissionAction, PermissionCase, PermissionRuling } from './permission-case.js'
import { ADDRESSED_ROWS } from './permission-rows-addressed.js'
import { FILTER_ROWS } from './permission-rows-filters.js'

/**
 * The table of test cases for everything that decides about permissions: `Permissions`, the bus, the broker, the
 * gateway, and what is generated for other brokers.
 */
export const PERMISSION_CASES: readonly PermissionCase[] = [...FILTER_ROWS, ...ADDRESSED_ROWS].flatMap(
  ({ shows, clientId = 'eva', permissions, own, granted, foreign, invalid, missing }) => {
    const casesOf = (requests: readonly string[] = [], ruling: PermissionRuling) =>
      requests.map((request): PermissionCase => {
        const space = request.indexOf(' ')
        const isAllowed = ruling === 'own' || ruling === 'granted'
        const name = `${shows}: ${JSON.stringify(request)} of ${clientId} is ${isAllowed ? 'allowed' : 'refused'}`
        const action = request.slice(0, space) as PermissionAction
        return { name, clientId, permissions, action, topic: request.slice(space + 1), isAllowed, ruling }
      })
    return [
      ...casesOf(own, 'own'),
      ...casesOf(granted, 'granted'),
      ...casesOf(foreign, 'foreign'),
      ...casesOf(invalid, 'invalid'),
      ...casesOf(missing, 'not-granted'),
    ]
  },
)

/** Entries for which a whole list is refused, and what is said of them. */
export const MALFORMED_PERMISSIONS: readonly { readonly entry: string; readonly fault: string }[] = [
  { entry: '', fault: 'has no filter' },
  { entry: 'publish:', fault: 'has no filter' },
  { entry: 'subscribe:', fault: 'has no filter' },
  { entry: ' jamey/x', fault: 'has white space at an end' },
  { entry: 'subscribe: jamey/x', fault: 'has white space at an end' },
  { entry: 'jamey/x\n', fault: 'has white space at an end' },
  { entry: 'publsh:lab/#', fault: 'has a colon in its first level without a verb before it' },
  { entry: 'Publish:jamey/x', fault: 'has a colon in its first level without a verb before it' },
  { entry: 'act-For:bob', fault: 'has a colon in its first level without a verb before it' },
  { entry: ':x', fault: 'has a colon in its first level without a verb before it' },
  { entry: 'jamey/#/x', fault: 'has no valid topic filter' },
  { entry: 'jamey/x#', fault: 'has no valid topic filter' },
  { entry: 'publish:jamey/x+', fault: 'has no valid topic filter' },
  { entry: 'subscribe:jamey/+x', fault: 'has no valid topic filter' },
  { entry: 'jamey/a\0b', fault: 'has no valid topic filter' },
  { entry: 'jamey/\ud800', fault: 'has no valid topic filter' },
  { entry: `a/${'x'.repeat(65_534)}`, fault: 'has no valid topic filter' },
  { entry: '$share/g/jamey/x', fault: 'has a share name without subscribe: before it' },
  { entry: 'publish:$share/g/jamey/x', fault: 'has a share name, and nobody publishes to a group' },
  { entry: 'subscribe:$share/', fault: 'has no valid share name with a topic filter after it' },
  { entry: 'subscribe:$share/g', fault: 'has no valid share name with a topic filter after it' },
  { entry: 'subscribe:$share/g/', fault: 'has no valid share name with a topic filter after it' },
  { entry: 'subscribe:$share//x', fault: 'has no valid share name with a topic filter after it' },
  { entry: 'subscribe:$share/+/x', fault: 'has no valid share name with a topic filter after it' },
  { entry: 'subscribe:$share/#', fault: 'has no valid share name with a topic filter after it' },
  { entry: 'subscribe:$share/g*#/x', fault: 'has no valid share name with a topic filter after it' },
  { entry: 'subscribe:$share/g/x#', fault: 'has no valid share name with a topic filter after it' },
  { entry: 'subscribe:$share/a%c/x', fault: 'has %c beside other characters of a level' },
  { entry: 'lab/a%c', fault: 'has %c beside other characters of a level' },
  { entry: 'lab/%cx/+', fault: 'has %c beside other characters of a level' },
  { entry: 'publish:%c%c/x', fault: 'has %c beside other characters of a level' },
  { entry: 'subscribe:lab/%%c', fault: 'has %c beside other characters of a level' },
  { entry: 'act-for:', fault: 'is empty' },
  { entry: 'act-for:a/b', fault: 'has a topic separator or wildcard' },
  { entry: 'act-for:#', fault: 'has a topic separator or wildcard' },
  { entry: 'act-for:+x', fault: 'has a topic separator or wildcard' },
  { entry: 'act-for:a\0b', fault: 'has a control character' },
  { entry: `act-for:${'x'.repeat(129)}`, fault: 'has 129 characters' },
  { entry: 'act-for: bob', fault: 'has white space at an end' },
  { entry: 'act-for:%c', fault: 'has %c, which no client acts for' },
]
