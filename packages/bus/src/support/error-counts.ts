/** Kinds that are told apart; more there are only where somebody makes up words. */
const MAXIMUM_KINDS = 100
const OTHERS = 'others'

/** A stable word for a failure: as it was given, else the code of the error, else its name. */
export function kindOf(error: unknown, given: string | undefined): string {
  if (given !== undefined) return given
  const { code } = (error ?? {}) as { code?: unknown }
  if (typeof code === 'string') return code
  return error instanceof Error ? error.name : 'error'
}

/** Failures that were reported, by their kinds. */
export class ErrorCounts {
  readonly byKind = new Map<string, number>()

  add(kind: string): void {
    const isKnown = this.byKind.has(kind) || this.byKind.size < MAXIMUM_KINDS
    const key = isKnown ? kind : OTHERS
    this.byKind.set(key, (this.byKind.get(key) ?? 0) + 1)
  }
}
