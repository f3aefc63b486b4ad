import type { Action } from './permissions.js'

/** One decision: what a client with these permissions asks for, and whether it is allowed. */
export interface PermissionCase {
  /** What the case shows, as a part of a test's name. */
  readonly name: string
  readonly clientId: string
  readonly permissions: readonly string[]
  readonly action: Action
  /** A topic name; a topic filter where the action is 'subscribe'. */
  readonly topic: string
  readonly isAllowed: boolean
}

interface Row {
  readonly shows: string
  readonly permissions: readonly string[]
  readonly allowed?: readonly string[]
  readonly refused?: readonly string[]
}

/** Requests are written `<action> <topic>`; the client is always 'eva', another one is 'bob'. */
const ROWS: readonly Row[] = [
  {
    shows: 'nothing listed, nothing allowed',
    permissions: [],
    refused: [
      'publish jamey/events/errors',
      'subscribe jamey/events/errors',
      'receive jamey/events/errors',
      'subscribe #',
      'subscribe +',
      'publish jamey',
      'subscribe $SYS/#',
    ],
  },
  {
    shows: 'a permission without a prefix allows both directions',
    permissions: ['jamey/memory/updates'],
    allowed: [
      'publish jamey/memory/updates',
      'subscribe jamey/memory/updates',
      'receive jamey/memory/updates',
    ],
    refused: ['publish jamey/memory/update', 'publish jamey/memory/updates/x', 'subscribe jamey/memory/+'],
  },
  {
    shows: 'publish: allows nothing but publishing',
    permissions: ['publish:jamey/memory/store'],
    allowed: ['publish jamey/memory/store'],
    refused: ['subscribe jamey/memory/store', 'receive jamey/memory/store'],
  },
  {
    shows: 'subscribe: allows nothing but subscribing and receiving',
    permissions: ['subscribe:jamey/memory/store'],
    allowed: ['subscribe jamey/memory/store', 'receive jamey/memory/store'],
    refused: ['publish jamey/memory/store'],
  },
  {
    shows: 'a prefix is written in lower case',
    permissions: ['Publish:jamey/memory/store', 'pub:jamey/memory/query'],
    refused: ['publish jamey/memory/store', 'publish jamey/memory/query'],
  },
  {
    shows: 'the whole filter is covered',
    permissions: ['subscribe:jamey/+/query'],
    allowed: ['subscribe jamey/+/query', 'subscribe jamey/memory/query', 'receive jamey/memory/query'],
    refused: [
      'subscribe jamey/#',
      'subscribe jamey/+/+',
      'subscribe jamey/+/#',
      'subscribe jamey/memory/+',
      'subscribe +/memory/query',
      'subscribe jamey/memory/query/#',
      'receive jamey/memory/query/x',
    ],
  },
  {
    shows: '# covers its parent and everything below',
    permissions: ['jamey/events/#'],
    allowed: [
      'subscribe jamey/events/#',
      'subscribe jamey/events',
      'subscribe jamey/events/+',
      'subscribe jamey/events/+/#',
      'subscribe jamey/events/errors',
      'subscribe jamey/events//',
      'receive jamey/events',
      'publish jamey/events',
      'publish jamey/events/heartbeat',
    ],
    refused: [
      'subscribe jamey/#',
      'subscribe jamey/+',
      'publish jamey/eventsx',
      'publish jamey',
      'subscribe #',
    ],
  },
  {
    shows: '+ stands for exactly one level, an empty one included',
    permissions: ['jamey/memory/+'],
    allowed: ['publish jamey/memory/store', 'publish jamey/memory/', 'subscribe jamey/memory/+'],
    refused: ['publish jamey/memory', 'publish jamey/memory/a/b', 'subscribe jamey/memory/#'],
  },
  {
    shows: 'two permissions do not add up to a wider filter',
    permissions: ['jamey/memory', 'jamey/memory/+', 'jamey/memory/+/#'],
    allowed: ['subscribe jamey/memory', 'subscribe jamey/memory/+', 'subscribe jamey/memory/+/#'],
    refused: ['subscribe jamey/memory/#'],
  },
  {
    shows: 'a share group is a right of its own',
    permissions: [
      '#',
      'subscribe:jamey/conscience/evaluate',
      'subscribe:$share/memory/jamey/memory/#',
      'subscribe:$share/%c/news',
    ],
    allowed: [
      'subscribe $share/memory/jamey/memory/#',
      'subscribe $share/memory/jamey/memory/+',
      'subscribe $share/memory/jamey/memory',
      'subscribe $share/eva/news',
      'receive jamey/memory/store',
    ],
    refused: [
      'subscribe $share/conscience/jamey/conscience/evaluate',
      'subscribe $share/conscience/jamey/memory/store',
      'subscribe $share/Memory/jamey/memory/store',
      'subscribe $share/memory/jamey/#',
      'subscribe $share/memory/#',
      'subscribe $share/bob/news',
      'subscribe $share/%c/news',
      'subscribe $share/eva/jamey/api/responses/eva/#',
      'subscribe $share/conscience',
      'subscribe $share//jamey/memory/store',
      'subscribe $share/g/',
      'subscribe $share/+/jamey/memory/store',
      'subscribe $share/g/jamey/api/responses/bob/#',
      'publish $share/memory/jamey/memory/store',
      'receive $share/memory/jamey/memory/store',
    ],
  },
  {
    shows: 'who is in a group alone may not subscribe beside it, and is handed what comes to it',
    permissions: ['subscribe:$share/memory/jamey/memory/#'],
    allowed: ['subscribe $share/memory/jamey/memory/#', 'receive jamey/memory/store'],
    refused: ['subscribe jamey/memory/#', 'subscribe jamey/memory/store', 'publish jamey/memory/store'],
  },
  {
    shows: '%c as a level is the identifier of the client',
    permissions: ['lab/%c/+', 'publish:%c/out'],
    allowed: ['publish lab/eva/heat', 'subscribe lab/eva/+', 'publish eva/out'],
    refused: ['publish lab/bob/heat', 'subscribe lab/+/heat', 'publish lab/%c/heat', 'subscribe eva/out'],
  },
  {
    shows: 'below jamey/ the own identifier may stand behind a topic',
    permissions: ['publish:jamey/memory/store', 'publish:jamey/lab/+', 'publish:lab', 'publish:jamey'],
    allowed: [
      'publish jamey/memory/store/eva',
      'publish jamey/lab/heat/eva',
      'publish jamey/lab/eva',
      'publish jamey/lab/bob',
    ],
    refused: [
      'publish jamey/memory/store/bob',
      'publish jamey/memory/store/evan',
      'publish jamey/memory/store/eva/eva',
      'publish jamey/memory/store/eva/',
      'publish jamey/memory/eva',
      'publish jamey/lab/heat/bob',
      'publish jamey/lab/heat/eva/eva',
      'publish lab/eva',
      'publish jamey/eva',
      'subscribe jamey/memory/store/eva',
    ],
  },
  {
    shows: 'act-for: is what lets a client speak for another one',
    permissions: ['#', 'act-for:bob'],
    allowed: ['act-for bob', 'publish act-for:bob'],
    refused: ['act-for eva', 'act-for carl', 'act-for Bob', 'act-for +', 'act-for ', 'act-for a/b'],
  },
  {
    shows: 'act-for:+ is for everybody',
    permissions: ['act-for:+'],
    allowed: ['act-for bob', 'act-for eva'],
    refused: ['act-for +', 'publish act-for'],
  },
  {
    shows: '# and + do not reach topics that start with $',
    permissions: ['#', '+/#', '+/broker/#'],
    allowed: [
      'subscribe #',
      'subscribe +/#',
      'subscribe jamey/#',
      'publish a',
      'publish a/$b',
      'subscribe a/$b/#',
    ],
    refused: [
      'subscribe $SYS/#',
      'subscribe $SYS/broker/uptime',
      'subscribe $SYS/+',
      'subscribe $share/g/$SYS/#',
      'receive $SYS/broker/uptime',
      'publish $SYS/broker/uptime',
      'publish $internal',
    ],
  },
  {
    shows: '$SYS is reached by a permission that names it',
    permissions: ['subscribe:$SYS/#'],
    allowed: ['subscribe $SYS/#', 'subscribe $SYS/broker/+', 'receive $SYS/broker/uptime', 'receive $SYS'],
    refused: ['publish $SYS/broker/uptime', 'subscribe $SYS2/#', 'subscribe #', 'subscribe +/broker/uptime'],
  },
  {
    shows: 'the own inbox and status topic need no permission',
    permissions: [],
    allowed: [
      'subscribe jamey/api/responses/eva/#',
      'subscribe jamey/api/responses/eva',
      'subscribe jamey/api/responses/eva/+/x',
      'receive jamey/api/responses/eva/7',
      'receive jamey/api/responses/eva',
      'publish jamey/events/status/eva',
    ],
    refused: [
      'publish jamey/api/responses/eva/7',
      'subscribe jamey/events/status/eva',
      'receive jamey/events/status/eva',
      'publish jamey/events/status/eva/x',
      'publish jamey/events/status/evan',
      'receive jamey/api/responses/evan/7',
      'subscribe jamey/api/responses/evan/#',
      'subscribe jamey/api/responses/#',
      'receive jamey/api/responses',
    ],
  },
  {
    shows: 'no permission opens the inbox of another client',
    permissions: ['#', 'jamey/#', 'subscribe:jamey/api/responses/#', 'subscribe:jamey/api/responses/bob/#'],
    allowed: [
      'subscribe #',
      'subscribe jamey/#',
      'subscribe jamey/+/+/#',
      'subscribe jamey/api/responses/#',
      'subscribe jamey/api/responses',
      'receive jamey/api/responses',
      'receive jamey/api/responses/eva/7',
      'receive jamey/api/requests',
    ],
    refused: [
      'receive jamey/api/responses/bob/7',
      'receive jamey/api/responses/bob',
      'receive jamey/api/responses/',
      'receive jamey/api/responses/Eva/7',
      'subscribe jamey/api/responses/bob/#',
      'subscribe jamey/api/responses/bob',
      'subscribe jamey/api/responses/bob/7',
      'subscribe jamey/api/responses/+',
      'subscribe jamey/api/responses/+/#',
      'subscribe jamey/api/responses/+/7',
      'subscribe $share/g/jamey/api/responses/+/#',
    ],
  },
  {
    shows: 'answers are sent by those who may publish to inboxes',
    permissions: ['publish:jamey/api/responses/#'],
    allowed: ['publish jamey/api/responses/bob/7', 'publish jamey/api/responses/eva/7'],
    refused: ['receive jamey/api/responses/bob/7', 'subscribe jamey/api/responses/#'],
  },
  {
    shows: 'no permission lets a client speak for another client about its status',
    permissions: ['#', 'jamey/#', 'publish:jamey/events/status/bob'],
    allowed: [
      'publish jamey/events/status/eva',
      'publish jamey/events/status/eva/detail',
      'publish jamey/events/status',
      'publish jamey/events/errors',
      'receive jamey/events/status/bob',
      'subscribe jamey/events/status/bob',
      'subscribe jamey/events/status/+',
    ],
    refused: [
      'publish jamey/events/status/bob',
      'publish jamey/events/status/bob/detail',
      'publish jamey/events/status/',
      'publish jamey/events/status/evan',
    ],
  },
  {
    shows: 'letters differ by case and levels by every character',
    permissions: ['jamey/Memory/store', '/jamey', 'jamey/'],
    allowed: ['publish jamey/Memory/store', 'publish /jamey', 'publish jamey/'],
    refused: ['publish jamey/memory/store', 'publish jamey', 'publish jamey//', 'subscribe +'],
  },
  {
    shows: 'what is no topic name or filter is refused',
    permissions: ['#'],
    refused: [
      'publish ',
      'subscribe ',
      'publish jamey/#',
      'publish jamey/+',
      'receive jamey/+/x',
      'publish a\0b',
      'subscribe jamey/#/x',
      'subscribe jamey/x#',
      'subscribe jamey/x+',
      'subscribe a\0b',
      'publish \ud800',
    ],
  },
]

/**
 * The table of test cases for everything that decides about permissions: `Permissions`, the client, the broker, and
 * what is generated for other brokers.
 */
export const PERMISSION_CASES: readonly PermissionCase[] = ROWS.flatMap(({ shows, permissions, ...row }) => [
  ...casesOf(shows, permissions, row.allowed ?? [], true),
  ...casesOf(shows, permissions, row.refused ?? [], false),
])

function casesOf(
  shows: string,
  permissions: readonly string[],
  requests: readonly string[],
  isAllowed: boolean,
): PermissionCase[] {
  return requests.map((request) => {
    const space = request.indexOf(' ')
    const action = request.slice(0, space) as Action
    const name = `${shows}: ${JSON.stringify(request)} is ${isAllowed ? 'allowed' : 'refused'}`
    return { name, clientId: 'eva', permissions, action, topic: request.slice(space + 1), isAllowed }
  })
}
