import type {
  DeadLetter,
  SessionStore,
  StoredAmount,
  StoredIncoming,
  StoredOutcome,
  StoredPage,
  StoredPublish,
  StoredRange,
  StoredReason,
} from '@jamey/mqtt'
import { bytesOf } from '../session/records.js'
import { Random } from './random.js'

/** The part of a SessionStore that changes it. */
export type SessionChange = Pick<
  SessionStore,
  | 'append'
  | 'release'
  | 'remove'
  | 'addDeadLetter'
  | 'removeDeadLetter'
  | 'giveUp'
  | 'receive'
  | 'complete'
  | 'forgetReceived'
>

type Waiting = StoredPublish & { readonly isReleased: boolean }

/** The whole state of a session store, in order. */
export interface SessionState {
  readonly waiting: readonly Waiting[]
  readonly deadLetters: readonly DeadLetter[]
  readonly received: readonly StoredIncoming[]
  readonly amounts: { readonly waiting: StoredAmount; readonly deadLetters: StoredAmount }
  readonly nextSequence: number
}

/** A model of what a session store should hold, in the plainest form. */
export class SessionModel implements SessionChange {
  #waiting = new Map<number, Waiting>()
  #deadLetters = new Map<number, DeadLetter>()
  #givenUp = new Map<number, StoredReason>()
  #received = new Map<number, StoredIncoming>()
  #nextSequence = 0

  append(publish: StoredPublish): void {
    this.#waiting.set(publish.sequence, { ...publish, isReleased: false })
    this.#nextSequence = publish.sequence + 1
  }
  release(sequence: number): void {
    const found = this.#waiting.get(sequence)
    if (found !== undefined) this.#waiting.set(sequence, { ...found, isReleased: true })
  }
  remove(sequence: number): void {
    this.#waiting.delete(sequence)
  }
  addDeadLetter(
    { sequence, topic, payload, qos, retain, properties }: StoredPublish,
    reason: StoredReason,
  ): void {
    this.#waiting.delete(sequence)
    this.#deadLetters.set(sequence, { sequence, topic, payload, qos, retain, properties, reason })
  }
  removeDeadLetter(sequence: number): void {
    this.#deadLetters.delete(sequence)
  }
  giveUp(sequence: number, reason: StoredReason): void {
    this.#givenUp.set(sequence, reason)
  }
  receive(packetIdentifier: number, digest: number): void {
    this.#received.set(packetIdentifier, { packetIdentifier, digest })
  }
  complete(packetIdentifier: number): void {
    this.#received.delete(packetIdentifier)
  }
  forgetReceived(): void {
    this.#received.clear()
  }

  get waiting(): readonly Waiting[] {
    return [...this.#waiting.values()]
  }

  get deadLetters(): readonly DeadLetter[] {
    return [...this.#deadLetters.values()]
  }

  outcomeOf(sequence: number): StoredOutcome | undefined {
    if (this.#waiting.has(sequence)) return { state: 'waiting' }
    const deadLetter = this.#deadLetters.get(sequence)
    if (deadLetter !== undefined) return { state: 'dead-letter', reason: deadLetter.reason }
    const reason = this.#givenUp.get(sequence)
    return reason === undefined ? undefined : { state: 'given-up', reason }
  }

  copy(): SessionModel {
    const copy = new SessionModel()
    copy.#waiting = new Map(this.#waiting)
    copy.#deadLetters = new Map(this.#deadLetters)
    copy.#givenUp = new Map(this.#givenUp)
    copy.#received = new Map(this.#received)
    copy.#nextSequence = this.#nextSequence
    return copy
  }

  get state(): SessionState {
    const waiting = [...this.#waiting.values()].sort(bySequence)
    const deadLetters = [...this.#deadLetters.values()].sort(bySequence)
    return {
      waiting,
      deadLetters,
      received: [...this.#received.values()].sort(byIdentifier),
      amounts: { waiting: amountOf(waiting), deadLetters: amountOf(deadLetters) },
      nextSequence: this.#nextSequence,
    }
  }
}

/** The state as `SessionModel.state` gives it, read in pages of `maximumMessages`. Expects that nothing is damaged. */
export async function stateOf(store: SessionStore, maximumMessages = 7): Promise<SessionState> {
  const { received, waiting: waitingAmount, deadLetters: deadLetterAmount, nextSequence } = await store.open()
  const waiting = await allOf((range) => store.read(range), nextSequence - 1, maximumMessages)
  const deadLetters: (DeadLetter & { readonly ageMs?: number })[] = await allOf(
    (range) => store.readDeadLetters(range),
    nextSequence - 1,
    maximumMessages,
  )
  return {
    waiting: waiting.map(({ ageMs: _, ...publish }) => publish),
    deadLetters: deadLetters.map(({ ageMs: _, ...publish }) => publish),
    received: [...received].sort(byIdentifier),
    amounts: { waiting: waitingAmount, deadLetters: deadLetterAmount },
    nextSequence,
  }
}

async function allOf<P extends StoredPublish>(
  read: (range: StoredRange) => Promise<StoredPage<P>>,
  upTo: number,
  maximumMessages: number,
): Promise<P[]> {
  const all: P[] = []
  for (let after = -1; after < upTo; ) {
    const page = await read({ after, upTo, maximumMessages, maximumBytes: 100_000 })
    for (const { error } of page.damaged) throw error
    all.push(...page.publishes)
    if (page.upTo <= after) throw new Error(`the page after ${after} does not advance`)
    after = page.upTo
  }
  return all
}

/** The changes of turn number `step` of a session whose life depends on nothing but the seed. */
export function changeSession(
  seed: number,
  step: number,
  model: SessionModel,
  stores: readonly SessionChange[],
): void {
  const random = new Random(seed * 1_000_003 + step)
  const all = [model, ...stores]
  for (let i = 0; i < 1 + random.integer(4); i++) {
    const publish = publishOf(step * 8 + i, random)
    for (const one of all) one.append(publish)
  }
  for (let i = random.integer(4); i > 0; i--) {
    const publish = random.pick(model.waiting)
    if (publish === undefined) break
    const kind = random.integer(4)
    const reason = { code: 'refused', message: `turn ${step}`, reasonCode: 0x87 }
    for (const one of all) {
      if (kind === 0) one.release(publish.sequence)
      else if (kind === 1) one.addDeadLetter(publish, reason)
      else one.remove(publish.sequence, bytesOf(publish))
    }
  }
  const deadLetter = random.integer(4) === 0 ? random.pick(model.deadLetters) : undefined
  if (deadLetter !== undefined) {
    for (const one of all) {
      one.removeDeadLetter(deadLetter.sequence, bytesOf(deadLetter))
      one.giveUp(deadLetter.sequence, deadLetter.reason)
    }
  }
  const packetIdentifier = 1 + random.integer(20)
  const isReceived = random.integer(2) === 0
  const isForgotten = random.integer(10) === 0
  for (const one of all) {
    if (isForgotten) one.forgetReceived()
    else if (isReceived) one.receive(packetIdentifier, step * 1_000_003)
    else one.complete(packetIdentifier)
  }
}

function publishOf(sequence: number, random: Random): StoredPublish {
  // Now and then one that takes more than a page of the file.
  const payload = new Uint8Array(random.integer(20) === 0 ? 20_000 : random.integer(300)).fill(sequence)
  return {
    sequence,
    topic: `t/${sequence}`,
    payload,
    qos: sequence % 2 === 0 ? 1 : 2,
    retain: false,
    properties:
      sequence % 3 === 0 ? { contentType: 'x', correlationData: new Uint8Array([sequence]) } : undefined,
  }
}

function bySequence(a: StoredPublish, b: StoredPublish): number {
  return a.sequence - b.sequence
}

function byIdentifier(a: StoredIncoming, b: StoredIncoming): number {
  return a.packetIdentifier - b.packetIdentifier
}

function amountOf(publishes: readonly StoredPublish[]): StoredAmount {
  return { messages: publishes.length, bytes: publishes.reduce((sum, one) => sum + bytesOf(one), 0) }
}
