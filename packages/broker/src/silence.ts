import type { Clock } from './clock.js'
import { Deadline } from './deadline.js'

/** So much of a packet that comes in pieces is a sign of life; whoever sends less may be dragging it out. */
const SIGN_OF_LIFE_BYTES = 1000

/** Notices that a peer says nothing: no CONNECT at first, however much it says; then no packet for too long. */
export class Silence {
  readonly #clock: Clock
  readonly #deadline: Deadline
  readonly #isListening: () => boolean
  readonly #onSilence: () => void
  /** 0 until `keepAlive`: nothing but that prolongs the wait for CONNECT. */
  #limitMs = 0
  #heardAtMs = 0
  #pieceBytes = 0

  /** CONNECT has to be there by `connectByMs`. From `keepAlive` on, the silence is ours and does not count while `isListening` is false. */
  constructor(clock: Clock, connectByMs: number, isListening: () => boolean, onSilence: () => void) {
    this.#clock = clock
    this.#isListening = isListening
    this.#onSilence = onSilence
    this.#deadline = new Deadline(clock, () => this.#onDeadline())
    this.#deadline.set(connectByMs)
  }

  /** In seconds, 0 for none; one and a half of it may pass without a packet. [MQTT-3.1.2-22] */
  keepAlive(seconds: number): void {
    this.#limitMs = seconds * 1500
    this.heard()
    this.#deadline.set(seconds === 0 ? Number.POSITIVE_INFINITY : this.#heardAtMs + this.#limitMs)
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

  #onDeadline(): void {
    if (this.#limitMs > 0 && !this.#isListening()) this.heard()
    const dueAtMs = this.#heardAtMs + this.#limitMs
    if (this.#limitMs > 0 && this.#clock.now() < dueAtMs) this.#deadline.set(dueAtMs)
    else this.#onSilence()
  }
}
