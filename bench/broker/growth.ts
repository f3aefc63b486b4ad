import { type Curve, growth } from '../kit/growth.js'
import {
  connectionPoints,
  queuePoints,
  retainedPoints,
  subscriberPoints,
  wildcardPoints,
} from './growth-curves.js'
import { PLOTS } from './growth-plots.js'

const USAGE = `What our broker costs as things grow, beside Mosquitto and Aedes; see bench/broker/README.md.

  npm run bench:broker:growth -- [options]

  --only PATTERN   curves whose name fits this regular expression: subscribers, wildcards, connections,
                   retained messages, queue
  --largest N      no size above this one
  --dry            shows the tables, and writes neither results nor plots
  --plot           draws the plots of the results that are there, and measures nothing
`
const RESULTS = new URL('../../results/broker-growth.jsonl', import.meta.url)

const CURVES: readonly Curve[] = [
  {
    name: 'subscribers',
    sizes: [1, 10, 100, 1000],
    points: subscriberPoints,
    note: 'one publisher, one topic, QoS 0, 256 bytes',
  },
  {
    name: 'wildcards',
    sizes: [10, 1000, 10_000, 100_000, 1_000_000],
    points: wildcardPoints,
    note: 'one publisher, QoS 0, 256 bytes; + and # in all places, ten subscribers, each message for all ten',
  },
  {
    name: 'connections',
    sizes: [10, 100, 1000, 10_000],
    points: connectionPoints,
    note: 'TLS 1.3, idle; the latency is that of one pair that talks past them, QoS 0, one message at a time',
  },
  {
    name: 'retained messages',
    sizes: [1000, 10_000, 100_000, 1_000_000],
    points: retainedPoints,
    note: 'a topic each, 64 bytes, stored at QoS 1; then one subscription to #, QoS 0',
  },
  {
    name: 'queue',
    sizes: [1000, 10_000, 100_000, 1_000_000],
    points: queuePoints,
    note: 'LMDB, 64 bytes, QoS 1, for one session that is away; the broker is killed and started again between',
  },
]

await growth({ usage: USAGE, curves: CURVES, results: RESULTS, plots: PLOTS })
