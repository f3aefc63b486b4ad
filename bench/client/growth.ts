import { type Curve, growth } from '../kit/growth.js'
import { inFlightPoints, outboxPoints, subscriptionPoints } from './growth-curves.js'
import { PLOTS } from './growth-plots.js'

const USAGE = `What our client costs as things grow; see bench/client/README.md.

  npm run bench:client:growth -- [options]

  --only PATTERN   curves whose name fits this regular expression: subscriptions, in flight, outbox
  --largest N      no size above this one
  --dry            shows the tables, and writes neither results nor plots
  --plot           draws the plots of the results that are there, and measures nothing
`
const RESULTS = new URL('../../results/client-growth.jsonl', import.meta.url)

const CURVES: readonly Curve[] = [
  {
    name: 'subscriptions',
    sizes: [10, 100, 1000, 10_000, 100_000],
    points: subscriptionPoints,
    note: 'QoS 1, 64 bytes, 256 unacknowledged, the messages go round all subscriptions (65 000 of more than that)',
  },
  {
    name: 'in flight',
    sizes: [1, 10, 100, 1000, 10_000, 65_535],
    points: inFlightPoints,
    note: 'QoS 1, 256 bytes; @jamey has at most 16 384 on the wire, the others wait in its queue, and p50 tells of both',
  },
  {
    name: 'outbox',
    sizes: [1000, 10_000, 100_000, 1_000_000],
    points: outboxPoints,
    note: 'QoS 1, 256 bytes, LMDB; written offline, opened by a second process, drained by a third; the file is in the page cache',
  },
]

await growth({ usage: USAGE, curves: CURVES, results: RESULTS, plots: PLOTS })
