/** Different errors that are told apart; more are counted together. */
const MAXIMUM_KINDS = 100

/** Errors that should not have come, with how often each did. */
export class ErrorLog {
  readonly #counts = new Map<string, number>()

  note(where: string, error: unknown): void {
    const { name, code, message } = (error instanceof Error ? error : new Error(String(error))) as Error & {
      code?: string
    }
    // Numbers differ from one to the next of the same kind.
    const text = `${where}: ${name}${code === undefined ? '' : ` ${code}`}: ${message.replace(/\d{2,}/g, 'N')}`
    const key = this.#counts.has(text) || this.#counts.size < MAXIMUM_KINDS ? text : 'others'
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
  }

  get all(): Record<string, number> {
    return Object.fromEntries(this.#counts)
  }
}
