import type { ErrorEvent, Status, Verdict } from '@jamey/contracts'
import { batch, signal } from '@preact/signals'
import { type BusMessage, EventStream } from '../api/event-stream.js'
import { APPROVAL_STATES, ERRORS, type Rights, STATUSES, VERDICTS } from './permissions.js'
import { isErrorEvent, isStatus, isVerdict } from './shapes.js'

/** A verdict, or an error of a component, and when it came here. */
export interface Received<T> {
  readonly id: string
  readonly at: string
  readonly sender: string | undefined
  readonly data: T
}

export const MAXIMUM_VERDICTS = 500
const MAXIMUM_ERRORS = 100
const MAXIMUM_FRESH = 1_000
const DRAW_MS = 100

export const verdicts = signal<readonly Received<Verdict>[]>([])
export const errors = signal<readonly Received<ErrorEvent>[]>([])
/** What every component last said of itself, by client identifier. */
export const components = signal<ReadonlyMap<string, Status>>(new Map())
export const streamState = signal<'off' | 'connecting' | 'open' | 'closed'>('off')
/** Verdicts and the like that the gateway left out, because the page was too slow. */
export const missed = signal(0)

const FILTERS = [VERDICTS, APPROVAL_STATES, STATUSES, ERRORS]
let stream: EventStream | undefined
let wasBroken = false

export interface Follower {
  /** Any approval changed. */
  onApproval(): void
  /** The stream broke; its status is hidden from a page. */
  onBroken(): void
  /** The stream came back after it broke: meanwhile anything may have happened. */
  onBack(): void
}

/** Follows what the viewer may. */
export function follow(rights: Rights, { onApproval, onBroken, onBack }: Follower): void {
  unfollow()
  const filters = FILTERS.filter((filter) => rights.maySubscribe(filter))
  if (filters.length === 0) return
  stream = new EventStream(filters, {
    onMessage: (message) => take(message, onApproval),
    onDropped: (count) => {
      missed.value += count
    },
    onState: (state) => {
      streamState.value = state
      if (state === 'closed') {
        wasBroken = true
        onBroken()
      }
      if (state !== 'open') return
      // What is retained comes again, and what went away meanwhile does not.
      components.value = new Map()
      if (wasBroken) onBack()
      wasBroken = false
    },
  })
}

export function unfollow(): void {
  stream?.close()
  stream = undefined
  wasBroken = false
  clearTimeout(timer)
  timer = undefined
  fresh = []
  streamState.value = 'off'
  verdicts.value = []
  errors.value = []
  components.value = new Map()
  missed.value = 0
}

/** What came since the page was last drawn: there may be thousands, and each drawing costs the same. */
let fresh: BusMessage[] = []
let timer: ReturnType<typeof setTimeout> | undefined

function take(message: BusMessage, onApproval: () => void): void {
  fresh.push(message)
  if (fresh.length > MAXIMUM_FRESH) fresh.shift()
  timer ??= setTimeout(() => {
    timer = undefined
    const messages = fresh
    fresh = []
    batch(() => show(messages, onApproval))
  }, DRAW_MS)
}

function show(messages: readonly BusMessage[], onApproval: () => void): void {
  const given: Received<Verdict>[] = []
  const failed: Received<ErrorEvent>[] = []
  const told = new Map(components.value)
  let isApproval = false
  for (const message of messages) {
    const { topic } = message
    const data = dataOf(message)
    if (data === undefined) continue
    if (topic.startsWith(VERDICTS)) {
      if (isVerdict(data)) given.unshift(received(message, data))
    } else if (topic.startsWith(ERRORS)) {
      if (isErrorEvent(data)) failed.unshift(received(message, data))
    } else if (topic.startsWith('jamey/events/status/')) {
      if (isStatus(data)) told.set(topic.split('/')[3] ?? '', data)
    } else isApproval = true
  }
  if (given.length > 0) verdicts.value = [...given, ...verdicts.value].slice(0, MAXIMUM_VERDICTS)
  if (failed.length > 0) errors.value = [...failed, ...errors.value].slice(0, MAXIMUM_ERRORS)
  components.value = told
  if (isApproval) onApproval()
}

let count = 0

function received<T>(message: BusMessage, data: T): Received<T> {
  count += 1
  return { id: String(count), at: message.received_at, sender: message.sender, data }
}

/** The data of an envelope; undefined where a message is none. */
export function dataOf({ payload }: BusMessage): unknown {
  const envelope = payload as { payload?: { data?: unknown } } | undefined | null
  return envelope?.payload?.data
}
