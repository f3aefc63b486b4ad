import type { Fault } from '@jamey/contracts'

/** The reasons that keep this component from its work, each under a name of its own, until it has passed. */
export class Health {
  readonly #faults = new Map<string, Fault>()
  readonly #remarks = new Map<string, string>()
  readonly #observers = new Set<() => void>()

  /** The oldest first. */
  get faults(): readonly Fault[] {
    return [...this.#faults.values()]
  }

  set(name: string, fault: Fault): void {
    const known = this.#faults.get(name)
    if (known?.kind === fault.kind && known.message === fault.message) return
    this.#faults.set(name, fault)
    this.#tell()
  }

  clear(name: string): void {
    if (this.#faults.delete(name)) this.#tell()
  }

  /** Notes what is worth knowing of how this component works, and keeps it from nothing; `undefined` takes it back. */
  remark(name: string, text: string | undefined): void {
    if (this.#remarks.get(name) === text) return
    if (text === undefined) this.#remarks.delete(name)
    else this.#remarks.set(name, text)
    this.#tell()
  }

  /** The oldest first. */
  get remarks(): readonly string[] {
    return [...this.#remarks.values()]
  }

  /** Calls `observer` on every change; returns what stops that. */
  onChange(observer: () => void): () => void {
    this.#observers.add(observer)
    return () => this.#observers.delete(observer)
  }

  #tell(): void {
    for (const observer of [...this.#observers]) observer()
  }
}
