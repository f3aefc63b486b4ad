import type { Clock } from '../support/clock.js'
import { Deadline } from '../support/deadline.js'

/** So many bytes of a packet that comes in pieces are a sign of life; a peer that sends less may be dragging it out. */
const SIGN_OF_LIFE_BYTES = 1000

/** A timer that fires so late was itself stopped or busy: silence meanwhile says nothing about the peer. */
const ABSENT_MS = 1000

/** Notices that a peer says nothing: no CONNECT at first, however much it says; then no packet for too long. */
export class KeepAlive {
  readonly #clock: Clock
  readonly #deadline: Deadline
  readonly #isListening: () => boolean
  readonly #onSilence: () => void
  /** 0 until `begin`: nothing but that prolongs the wait for CONNECT. */
  #limitMs = 0
  #heardAtMs = 0
  #dueAtMs = 0
  #pieceBytes = 0

  /** CONNECT has to be there by `connectByMs`. From `begin` on, the silence is ours and does not count while `isListening` is false. */
  constructor(clock: Clock, connectByMs: number, isListening: () => boolean, onSilence: () => void) {
    this.#clock = clock
    this.#isListening = isListening
    this.#onSilence = onSilence
    this.#deadline = new Deadline(clock, () => this.#onDeadline())
    this.#wait(connectByMs)
  }

  /**
   * Watches a connection whose Keep Alive is so many seconds, 0 for none; one and a half of it may pass without a
   * packet. [MQTT-3.1.2-22]
   */
  begin(seconds: number): void {
    this.#limitMs = seconds * 1500
    this.heard()
    this.#wait(seconds === 0 ? Number.POSITIVE_INFINITY : this.#heardAtMs + this.#limitMs)
  }

  /** A whole packet came. */
  heard(): void {
    this.#pieceBytes = 0
    this.#heardAtMs = this.#clock.now()
  }

  /** Bytes came, whatever they are part of. */
  heardPiece(bytes: number): void {
    this.#pieceBytes += bytes
    if (this.#pieceBytes >= SIGN_OF_LIFE_BYTES) this.heard()
  }

  clear(): void {
    this.#deadline.clear()
  }

  #wait(dueAtMs: number): void {
    this.#dueAtMs = dueAtMs
    this.#deadline.set(dueAtMs)
  }

  #onDeadline(): void {
    const nowMs = this.#clock.now()
    const isOurs = !this.#isListening() || nowMs - this.#dueAtMs >= ABSENT_MS
    if (this.#limitMs > 0 && isOurs) this.heard()
    const dueAtMs = this.#heardAtMs + this.#limitMs
    if (this.#limitMs > 0 && nowMs < dueAtMs) this.#wait(dueAtMs)
    else this.#onSilence()
  }
}
