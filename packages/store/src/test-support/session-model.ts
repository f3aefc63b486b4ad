import type { StoredPublish, StoredReason, StoredSession } from '@jamey/mqtt'
import { Random } from './random.js'

/** The part of a SessionStore that changes it. */
export interface SessionChange {
  append(publish: StoredPublish): void
  release(sequence: number): void
  setAside?(sequence: number, reason: StoredReason): void
  remove(sequence: number): void
  receive(packetIdentifier: number): void
  complete(packetIdentifier: number): void
  forgetReceived(): void
}

/** What a session store should hold, in the plainest form. */
export class SessionModel implements SessionChange {
  #publishes = new Map<number, { publish: StoredPublish; released: boolean; setAside?: StoredReason }>()
  #received = new Set<number>()

  append(publish: StoredPublish): void {
    this.#publishes.set(publish.sequence, { publish, released: false })
  }
  release(sequence: number): void {
    const found = this.#publishes.get(sequence)
    if (found !== undefined) found.released = true
  }
  setAside(sequence: number, reason: StoredReason): void {
    const found = this.#publishes.get(sequence)
    if (found !== undefined) found.setAside = reason
  }
  remove(sequence: number): void {
    this.#publishes.delete(sequence)
  }
  receive(packetIdentifier: number): void {
    this.#received.add(packetIdentifier)
  }
  complete(packetIdentifier: number): void {
    this.#received.delete(packetIdentifier)
  }
  forgetReceived(): void {
    this.#received.clear()
  }

  get sequences(): number[] {
    return [...this.#publishes.keys()]
  }

  copy(): SessionModel {
    const copy = new SessionModel()
    for (const [sequence, stored] of this.#publishes) copy.#publishes.set(sequence, { ...stored })
    copy.#received = new Set(this.#received)
    return copy
  }

  get state(): StoredSession {
    const publishes = [...this.#publishes.values()].sort((a, b) => a.publish.sequence - b.publish.sequence)
    return { publishes, received: [...this.#received].sort((a, b) => a - b) }
  }
}

/** As `SessionModel.state` gives it, since a store may give the identifiers in any order. */
export function inOrder({ publishes, received }: StoredSession): StoredSession {
  return { publishes, received: [...received].sort((a, b) => a - b) }
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
    const sequence = random.pick(model.sequences) as number
    const kind = random.integer(4)
    for (const one of all) {
      if (kind === 0) one.release(sequence)
      else if (kind === 1)
        one.setAside?.(sequence, { code: 'refused', message: `turn ${step}`, reasonCode: 0x87 })
      else one.remove(sequence)
    }
  }
  const packetIdentifier = 1 + random.integer(20)
  const isReceived = random.integer(2) === 0
  const isForgotten = random.integer(10) === 0
  for (const one of all) {
    if (isForgotten) one.forgetReceived()
    else if (isReceived) one.receive(packetIdentifier)
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
