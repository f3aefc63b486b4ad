import type { BrokerStatus, ClientSort, ClientSummary } from '@jamey/contracts'
import { type Colors, printable } from '../terminal/terminal.js'
import { amountOfBytes, compact, duration } from './amounts.js'

/** Figures of the time between two looks at a broker, per second. */
export interface Rates {
  readonly messages_in: number
  readonly messages_out: number
  readonly bytes_in: number
  readonly bytes_out: number
  readonly dropped: number
}

/** One look at a broker. */
export interface Look {
  readonly status: BrokerStatus
  readonly rates: Rates
  readonly clients: readonly ClientSummary[]
}

export interface TopLayout {
  readonly columns: number
  /** Lines that there is room for; infinity where all of them are wanted. */
  readonly rows: number
  readonly colors: Colors
  readonly sort: ClientSort
}

interface Column {
  readonly head: string
  /** The order of the clients that this column stands for. */
  readonly sort?: ClientSort
  readonly width: number
  readonly isText?: boolean
  text(client: ClientSummary): string
}

/** Lines of what stands above the clients: at least so many, and at most this share of the screen. */
const LEAST_HEAD = 3
const HEAD_SHARE = 0.6

/** The least that a client identifier takes of a line. */
const LEAST_NAME = 12
const MOST_NAME = 40

/** In the order in which they are given up, the last first, where the terminal is narrow. */
const COLUMNS: readonly Column[] = [
  { head: 'MSG/S', sort: 'messages_per_second', width: 7, text: (c) => compact(c.messages_per_second) },
  { head: 'QUEUED', sort: 'queued', width: 7, text: (c) => compact(c.queued) },
  { head: 'DROPPED', sort: 'dropped', width: 8, text: (c) => compact(c.dropped) },
  { head: 'IN', sort: 'received', width: 7, text: (c) => compact(c.received) },
  { head: 'OUT', sort: 'sent', width: 7, text: (c) => compact(c.sent) },
  { head: 'FLIGHT', sort: 'in_flight', width: 7, text: (c) => compact(c.in_flight) },
  { head: 'SUBS', width: 5, text: (c) => compact(c.subscriptions) },
  { head: 'ADDRESS', width: 18, isText: true, text: (c) => c.address ?? 'away' },
]

/** The picture of one look, at most as wide and high as the layout says. */
export function formatTop({ status, rates, clients }: Look, layout: TopLayout): string[] {
  const { columns, rows } = layout
  const facts = packed(factsOf(status, rates, layout.colors), columns)
  // A low screen has room for clients, too.
  const head = facts.slice(0, Math.max(LEAST_HEAD, Math.floor(rows * HEAD_SHARE)))
  const table = tableOf(clients, layout, Math.max(0, rows - head.length - 2))
  return [...head, '', ...table].slice(0, rows)
}

interface Fact {
  readonly text: string
  /** Begins a line of its own. */
  readonly isFirst?: boolean
  readonly color?: (text: string) => string
}

function factsOf(status: BrokerStatus, rates: Rates, colors: Colors): Fact[] {
  const { limits, queued, latency_ms: latency, event_loop_delay_ms: loop, descriptors } = status
  const dropped = sumOf(status.dropped)
  const refused = sumOf(status.refused)
  const alarm = (isBad: boolean): Pick<Fact, 'color'> => (isBad ? { color: colors.yellow } : {})
  const { commits } = latency
  return [
    { text: `jamey ${status.version}`, isFirst: true, color: colors.bold },
    { text: `up ${duration(status.uptime_seconds)}` },
    ...status.listeners.map(({ address, tls }) => ({
      text: `${address}${tls ? '' : ' (no TLS)'}`,
      ...alarm(!tls),
    })),
    { text: share('connections', status.connections, limits['connections']?.value), isFirst: true },
    { text: share('sessions', status.sessions, limits['sessions']?.value) },
    { text: `subscriptions ${compact(status.subscriptions)}` },
    { text: `retained ${compact(status.retained)}` },
    { text: `in ${compact(rates.messages_in)} msg/s ${amountOfBytes(rates.bytes_in)}/s`, isFirst: true },
    { text: `out ${compact(rates.messages_out)} msg/s ${amountOfBytes(rates.bytes_out)}/s` },
    {
      text: `queued ${compact(queued.messages)} and in flight ${compact(status.in_flight)} (${amountOfBytes(queued.bytes)})`,
    },
    {
      text: `dropped ${compact(dropped)}${reasonsOf(status.dropped)}`,
      isFirst: true,
      ...alarm(rates.dropped > 0),
    },
    { text: `refused ${compact(refused)}${reasonsOf(status.refused)}` },
    ...(commits === undefined
      ? []
      : [{ text: `commits p50 ${ms(commits.p50)} p99 ${ms(commits.p99)}`, isFirst: true }]),
    { text: `loop p99 ${ms(loop.p99)}`, isFirst: commits === undefined, ...alarm(loop.p99 > 100) },
    { text: `memory ${amountOfBytes(status.memory_bytes)}` },
    ...(status.store_bytes === undefined ? [] : [{ text: `store ${amountOfBytes(status.store_bytes)}` }]),
    { text: share('files', descriptors.open, descriptors.maximum) },
    ...(status.store_failing_seconds > 0
      ? [
          {
            text: `THE STORE FAILS for ${duration(status.store_failing_seconds)}`,
            isFirst: true,
            color: colors.red,
          },
        ]
      : []),
  ]
}

/** Facts side by side, as many as a line has room for. */
function packed(facts: readonly Fact[], columns: number): string[] {
  const lines: { text: string; width: number }[] = []
  for (const { text, isFirst = false, color = (plain: string) => plain } of facts) {
    const shown = text.length > columns ? text.slice(0, columns) : text
    const last = lines.at(-1)
    if (last === undefined || isFirst || last.width + 2 + shown.length > columns) {
      lines.push({ text: color(shown), width: shown.length })
    } else {
      last.text += `  ${color(shown)}`
      last.width += 2 + shown.length
    }
  }
  return lines.map(({ text }) => text)
}

function tableOf(clients: readonly ClientSummary[], layout: TopLayout, rows: number): string[] {
  const { columns, colors, sort } = layout
  const shown: Column[] = []
  let left = columns - LEAST_NAME
  for (const column of COLUMNS) {
    if (column.width + 1 > left) break
    shown.push(column)
    left -= column.width + 1
  }
  const longest = Math.max(LEAST_NAME, ...clients.map(({ client_id }) => printable(client_id).length))
  const name = Math.min(LEAST_NAME + left, MOST_NAME, longest)
  const cells = shown.map((column) => {
    const head = aligned(column.head, column)
    return column.sort === sort ? colors.bold(head) : colors.dim(head)
  })
  const nameHead = 'CLIENT'.padEnd(name)
  const first = [sort === 'client_id' ? colors.bold(nameHead) : colors.dim(nameHead), ...cells].join(' ')
  const lines = clients.slice(0, Math.max(0, rows)).map((client) => {
    const id = fitted(printable(client.client_id), name)
    return [
      client.is_connected ? id : colors.dim(id),
      ...shown.map((one) => aligned(one.text(client), one)),
    ].join(' ')
  })
  return [first, ...lines]
}

function aligned(text: string, { width, isText = false }: Column): string {
  const cut = text.slice(0, width)
  return isText ? cut.padEnd(width) : cut.padStart(width)
}

/** The end of a name tells more than its middle. */
function fitted(text: string, width: number): string {
  if (text.length <= width) return text.padEnd(width)
  const end = Math.floor((width - 1) / 2)
  return `${text.slice(0, width - 1 - end)}~${text.slice(text.length - end)}`
}

function share(name: string, value: number, maximum: number | undefined): string {
  return maximum === undefined
    ? `${name} ${compact(value)}`
    : `${name} ${compact(value)} of ${compact(maximum)}`
}

function reasonsOf(counts: Readonly<Record<string, number>>): string {
  const told = Object.entries(counts).filter(([, count]) => count > 0)
  return told.length === 0
    ? ''
    : ` (${told.map(([reason, count]) => `${reason} ${compact(count)}`).join(', ')})`
}

function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}

function ms(value: number): string {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`
}
