import type { Fault } from '@jamey/contracts'

interface Remark {
  readonly text: string
  readonly subject: string | undefined
}

/** The reasons that keep this component from its work, each under a name of its own, until it has passed. */
export class Health {
  readonly #faults = new Map<string, Fault>()
  readonly #remarks = new Map<string, Remark>()
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

  /**
   * Notes what is worth knowing of how this component works, and keeps it from nothing; `undefined` takes it back. What
   * is said of several subjects is told once.
   */
  remark(name: string, text: string | undefined, subject?: string): void {
    const known = this.#remarks.get(name)
    if (known?.text === text && known?.subject === subject) return
    if (text === undefined) this.#remarks.delete(name)
    else this.#remarks.set(name, { text, subject })
    this.#tell()
  }

  /** The oldest first. */
  get remarks(): readonly string[] {
    const subjects = new Map<string, string[]>()
    for (const { text, subject } of this.#remarks.values()) {
      const others = subjects.get(text) ?? []
      subjects.set(text, subject === undefined ? others : [...others, subject])
    }
    return [...subjects].map(([text, [first, ...more]]) => {
      if (first === undefined) return text
      return more.length === 0 ? `${first} ${text}` : `${[first, ...more].join(', ')}: each ${text}`
    })
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
