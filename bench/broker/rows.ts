import type { QoS } from '@jamey/protocol'
import type { Layout } from './layout.js'
import type { Task } from './load-job.js'

/** What is measured, in a line of its own. */
export interface Row {
  readonly name: string
  readonly task: Task
  /** Times Mosquitto's deliveries a second that ours has to reach. */
  readonly atLeast?: number
}

interface Options {
  readonly payloadBytes?: number
  readonly isOneByOne?: boolean
  readonly isTls?: boolean
  readonly isPersistent?: boolean
  readonly atLeast?: number
}

const ALL: readonly QoS[] = [0, 1, 2]
const ONE_TO_ONE = shared(1, 1)

function shared(publishers: number, subscribers: number): Layout {
  return { kind: 'shared', publishers, subscribers }
}

function row(layout: Layout, qos: QoS, options: Options = {}): Row {
  const { payloadBytes = 256, isOneByOne = false, isTls = false, isPersistent = false, atLeast } = options
  const name = [
    nameOf(layout),
    `qos${qos}`,
    payloadBytes < 1024 ? `${payloadBytes}B` : `${payloadBytes / 1024}KiB`,
    ...(isOneByOne ? ['one by one'] : []),
    ...(isTls ? ['tls'] : []),
    ...(isPersistent ? ['persistent'] : []),
  ].join(' ')
  const task = { layout, qos, payloadBytes, isOneByOne, isTls, isPersistent }
  return { name, task, ...(atLeast === undefined ? {} : { atLeast }) }
}

function nameOf(layout: Layout): string {
  switch (layout.kind) {
    case 'shared':
      return `${layout.publishers} to ${layout.subscribers}`
    case 'pairs':
      return `${layout.pairs} pairs`
    case 'wildcards':
      return `${layout.filters} wildcards`
  }
}

export const ROWS: readonly Row[] = [
  row(ONE_TO_ONE, 0, { atLeast: 4 }),
  row(ONE_TO_ONE, 1, { atLeast: 6 }),
  row(ONE_TO_ONE, 2),
  row(shared(1, 20), 0, { atLeast: 8 }),
  row(shared(1, 20), 1, { atLeast: 8 }),
  row(shared(1, 20), 2),
  ...ALL.map((qos) => row(shared(1, 1000), qos)),
  ...ALL.map((qos) => row(shared(1000, 1), qos)),
  ...ALL.map((qos) => row(shared(100, 100), qos)),
  ...ALL.map((qos) => row({ kind: 'pairs', pairs: 100 }, qos)),
  ...ALL.map((qos) => row(ONE_TO_ONE, qos, { payloadBytes: 64 })),
  ...ALL.map((qos) => row(ONE_TO_ONE, qos, { payloadBytes: 16_384 })),
  row(shared(1, 20), 0, { payloadBytes: 64 }),
  row(shared(1, 20), 0, { payloadBytes: 16_384 }),
  ...ALL.map((qos) => row(ONE_TO_ONE, qos, { isTls: true })),
  row(ONE_TO_ONE, 0, { isTls: true, payloadBytes: 16_384 }),
  ...([0, 1] as const).map((qos) => row(shared(1, 20), qos, { isTls: true })),
  row({ kind: 'pairs', pairs: 100 }, 1, { isTls: true }),
  ...([1, 2] as const).map((qos) => row(ONE_TO_ONE, qos, { isPersistent: true })),
  row(shared(1, 20), 1, { isPersistent: true }),
  row({ kind: 'pairs', pairs: 100 }, 1, { isPersistent: true }),
  row(ONE_TO_ONE, 1, { isPersistent: true, isTls: true }),
  ...ALL.map((qos) => row(ONE_TO_ONE, qos, { isOneByOne: true })),
  row(ONE_TO_ONE, 1, { isOneByOne: true, isTls: true }),
  row(ONE_TO_ONE, 1, { isOneByOne: true, isPersistent: true }),
]
