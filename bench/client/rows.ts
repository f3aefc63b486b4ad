import type { QoS } from '@jamey/protocol'
import { eventBytes } from './bus-side.js'
import type { Task, Via, Work } from './job.js'
import type { Row, Target } from './row.js'

const KIB = 1024
const MIB = 1024 * KIB
/** 500 messages of a mebibyte would be more than our client's queue takes by default (64 MiB). */
const LARGE_WINDOW = 16
const USUAL_WINDOW = 500
const BARE_NOTE = 'ours: contract, permission, envelope; MQTT.js: the same bytes, bare'
const STORE_NOTE = 'ours: every message is in LMDB, flushed, before it is sent; MQTT.js: in its own memory'

type Given = Partial<Omit<Task, 'work'>>

function row(work: Work, given: Given, target?: Target, note?: string): Row {
  const task: Task = {
    work,
    via: 'sink',
    qos: 1,
    payloadBytes: 256,
    window: USUAL_WINDOW,
    isTls: false,
    isBus: false,
    isDurable: false,
    isTheirsWithoutDelay: false,
    ...given,
  }
  return { name: nameOf(task), task, target, note }
}

function nameOf(task: Task): string {
  return [
    task.isBus ? 'bus' : '',
    task.work,
    `qos${task.qos}`,
    task.isBus ? '' : sizeOf(task.payloadBytes),
    task.work === 'receive' && task.qos === 0 ? '' : `w${task.window}`,
    task.isTls ? 'tls' : '',
    task.isDurable ? 'durable' : '',
    task.via === 'sink' ? '' : `via ${task.via}`,
    task.isTheirsWithoutDelay ? 'nodelay' : '',
  ]
    .filter((word) => word !== '')
    .join(' ')
}

function sizeOf(bytes: number): string {
  if (bytes >= MIB) return `${bytes / MIB}MiB`
  return bytes >= 4 * KIB ? `${bytes / KIB}KiB` : `${bytes}B`
}

const ratio = (atLeast: number): Target => ({ kind: 'ratio', atLeast })
const share = (ofRow: string): Target => ({ kind: 'share', ofRow, atLeast: 0.6 })

const PUBLISH_TARGETS: Partial<Record<QoS, Target>> = { 0: ratio(8), 1: ratio(10) }
const RECEIVE_TARGETS: Partial<Record<QoS, Target>> = { 0: ratio(5), 1: ratio(6) }

function ofEveryQoS(rows: (qos: QoS) => Row[]): Row[] {
  return ([0, 1, 2] as const).flatMap(rows)
}

const PUBLISHING = ofEveryQoS((qos) => [
  row('publish', { qos, payloadBytes: 64 }),
  row('publish', { qos }, PUBLISH_TARGETS[qos]),
  row('publish', { qos, payloadBytes: 4 * KIB }),
  ...(qos === 2 ? [] : [row('publish', { qos, payloadBytes: MIB, window: LARGE_WINDOW })]),
  row('publish', { qos, window: 1 }),
])

const RECEIVING = ofEveryQoS((qos) => [
  row('receive', { qos, payloadBytes: 64 }),
  row('receive', { qos }, RECEIVE_TARGETS[qos]),
  row('receive', { qos, payloadBytes: 4 * KIB }),
  ...(qos === 1 ? [row('receive', { qos, payloadBytes: MIB, window: LARGE_WINDOW })] : []),
  ...(qos === 1 ? [row('receive', { qos, window: 1 })] : []),
])

const SECURE = [
  row('publish', { qos: 0, isTls: true }, share('publish qos0 256B w500')),
  row('publish', { isTls: true }, share('publish qos1 256B w500')),
  row('publish', { isTls: true, window: 1 }),
  row('publish', { isTls: true, payloadBytes: MIB, window: LARGE_WINDOW }, share('publish qos1 1MiB w16')),
  row('receive', { isTls: true }, share('receive qos1 256B w500')),
]

const DURABLE = [
  row('publish', { isDurable: true }, { kind: 'rate', atLeast: 150_000 }, STORE_NOTE),
  row('publish', { isDurable: true, window: 1000 }, undefined, STORE_NOTE),
  row('publish', { isDurable: true, window: 1 }, { kind: 'p50', atMostMs: 1 }, STORE_NOTE),
  row('publish', { isDurable: true, payloadBytes: 4 * KIB }, undefined, STORE_NOTE),
  row('publish', { isDurable: true, qos: 2 }, undefined, STORE_NOTE),
]

const brokerRows = (via: Via): Row[] => [
  row('publish', { via, qos: 0 }),
  row('publish', { via }),
  row('publish', { via, window: 1 }),
  row('publish', { via, qos: 2 }),
  row('round-trip', { via }),
]

const BUS = [
  row('publish', { isBus: true, payloadBytes: eventBytes(1) }, ratio(2), BARE_NOTE),
  row('publish', { isBus: true, payloadBytes: eventBytes(0), qos: 0 }, undefined, BARE_NOTE),
  row('receive', { isBus: true, payloadBytes: eventBytes(1) }, undefined, BARE_NOTE),
]

const ONE_REQUEST: Target = { kind: 'p50', atMostMs: 0.25 }
const MANY_REQUESTS: Target = { kind: 'rate', atLeast: 60_000 }
const REQUEST_NOTE =
  'ours: bus.request and bus.serve; MQTT.js: 64 bytes with Response Topic and Correlation Data, bare'
const ANSWER_NOTE = 'answered in the next turn of the event loop, as by whoever awaits anything'
const request = (window: number, target: Target | undefined, note: string, given: Given = {}): Row =>
  row('request', { via: 'broker', payloadBytes: 64, window, ...given }, target, note)
const REQUESTING = [
  request(1, ONE_REQUEST, ANSWER_NOTE),
  request(1, undefined, `${ANSWER_NOTE}; Nagle switched off for MQTT.js, through its stream`, {
    isTheirsWithoutDelay: true,
  }),
  request(256, MANY_REQUESTS, ANSWER_NOTE),
  request(1, ONE_REQUEST, REQUEST_NOTE, { isBus: true }),
  request(256, MANY_REQUESTS, REQUEST_NOTE, { isBus: true }),
]

const ALL: readonly Row[] = [
  ...PUBLISHING,
  ...RECEIVING,
  ...DURABLE,
  ...brokerRows('mosquitto'),
  ...brokerRows('broker'),
  ...BUS,
  ...REQUESTING,
]

/** The rows with TLS come right after those that they are compared with, while the machine is as it was. */
function withSecure(plain: Row): Row[] {
  return [plain, ...SECURE.filter(({ name }) => name === `${plain.name} tls`)]
}

/** Everything that is measured, in this order. A name tells its task; the pattern of `--only` selects by it. */
export const ROWS: readonly Row[] = ALL.flatMap(withSecure)
