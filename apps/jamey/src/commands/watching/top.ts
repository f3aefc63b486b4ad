import type { Bus } from '@jamey/bus'
import { type BrokerStatus, type ClientSort, clientSortSchema, PAGE_ENTRIES, topics } from '@jamey/contracts'
import { askingBroker } from '../../client/broker-question.js'
import { withBus } from '../../client/connection.js'
import type { ClientOptions } from '../../client/connection-target.js'
import { EXIT } from '../../support/exit-codes.js'
import { waited } from '../../support/waiting.js'
import type { CommandContext, Outcome } from '../../terminal/command-context.js'
import { INTERRUPT, Screen } from '../../terminal/screen.js'
import { formatTop, type Look, type Rates } from '../../views/top-view.js'

export interface TopOptions extends ClientOptions {
  /** Milliseconds. */
  readonly interval: number
  readonly sort: ClientSort
  readonly once?: boolean
}

/** The shortest time that rates are made of, for who wants one picture. */
const ONCE_MS = 1_000
const CLIENTS_IN_JSON = 50
/** Lines of what stands above the clients, at least. */
const HEAD_LINES = 6

const QUESTIONS = topics.broker

/** Shows what the broker does, again and again, until somebody presses q; once where nobody looks at a terminal. */
export async function top(context: CommandContext, options: TopOptions): Outcome {
  const { terminal } = context
  const isOnce = options.once === true || (options.json !== true && terminal.screen() === undefined)
  await withBus(context, options, async (bus) => {
    const watch = new Watch(bus)
    await watch.look(options.sort, 1)
    if (isOnce) return printOnce(context, watch, options)
    if (options.json === true) return printLines(context, watch, options)
    await show(context, watch, options)
  })
  return EXIT.success
}

/** Looks at a broker, and knows what was there the last time. */
class Watch {
  readonly #bus: Bus
  #last: { readonly status: BrokerStatus; readonly atMs: number } | undefined

  constructor(bus: Bus) {
    this.#bus = bus
  }

  async look(sort: ClientSort, limit: number): Promise<Look> {
    const [status, { clients }] = await Promise.all([
      askingBroker(() => this.#bus.request(QUESTIONS.status, {})),
      askingBroker(() => this.#bus.request(QUESTIONS.clients, { sort, limit })),
    ])
    const atMs = performance.now()
    const rates = ratesOf(this.#last, { status, atMs })
    this.#last = { status, atMs }
    return { status, rates, clients }
  }
}

async function printOnce(context: CommandContext, watch: Watch, options: TopOptions): Promise<void> {
  const { terminal, interrupted } = context
  const { sort, json } = options
  await waited(Math.min(options.interval, ONCE_MS), interrupted)
  const look = await watch.look(sort, CLIENTS_IN_JSON)
  if (json === true) return terminal.printJson(look)
  const layout = { columns: terminal.columns, rows: Number.POSITIVE_INFINITY, colors: terminal.colors, sort }
  for (const line of formatTop(look, layout)) terminal.print(line.trimEnd())
}

async function printLines(context: CommandContext, watch: Watch, options: TopOptions): Promise<void> {
  const { terminal, interrupted } = context
  while (await waited(options.interval, interrupted)) {
    terminal.printJson(await watch.look(options.sort, CLIENTS_IN_JSON))
  }
}

async function show(context: CommandContext, watch: Watch, options: TopOptions): Promise<void> {
  const { terminal, interrupted } = context
  const quit = new AbortController()
  const ended = AbortSignal.any([interrupted, quit.signal])
  let sort = options.sort
  let hurry = new AbortController()
  const onKey = (key: string): void => {
    if (key === 'q' || key === INTERRUPT) quit.abort()
    if (key === 's') sort = following(sort)
    // Whatever was pressed, the picture follows at once.
    hurry.abort()
  }
  using screen = new Screen(terminal, onKey)
  while (!ended.aborted) {
    const { columns, rows } = terminal.screen() ?? { columns: terminal.columns, rows: 24 }
    const limit = Math.min(PAGE_ENTRIES, Math.max(1, rows - HEAD_LINES))
    hurry = new AbortController()
    const look = await watch.look(sort, limit)
    const lines = formatTop(look, { columns, rows: rows - 1, colors: terminal.colors, sort })
    const keys = `q quit  s next order (${sort})`.slice(0, columns)
    screen.draw([...lines, terminal.colors.dim(keys)])
    await waited(options.interval, AbortSignal.any([ended, hurry.signal]))
  }
}

function following(sort: ClientSort): ClientSort {
  const all = clientSortSchema.options
  return all[(all.indexOf(sort) + 1) % all.length] ?? sort
}

function ratesOf(
  before: { status: BrokerStatus; atMs: number } | undefined,
  now: { status: BrokerStatus; atMs: number },
): Rates {
  const then = before ?? { status: now.status, atMs: now.atMs - 1 }
  const seconds = Math.max(0.001, (now.atMs - then.atMs) / 1000)
  // A broker that was started anew counts from nothing.
  const isSame = now.status.uptime_seconds >= then.status.uptime_seconds
  const per = (count: (status: BrokerStatus) => number): number => {
    const difference = isSame ? count(now.status) - count(then.status) : count(now.status)
    return Math.round((Math.max(0, difference) / seconds) * 10) / 10
  }
  return {
    messages_in: per(({ messages }) => sumOf(messages.received)),
    messages_out: per(({ messages }) => sumOf(messages.sent)),
    bytes_in: per(({ bytes }) => bytes.received),
    bytes_out: per(({ bytes }) => bytes.sent),
    dropped: per(({ dropped }) => sumOf(dropped)),
  }
}

function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}
