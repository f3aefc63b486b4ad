export type Environment = Readonly<Record<string, string | undefined>>

/** An empty variable counts as not set, as shells and container files leave them behind. */
export function given(env: Environment, variable: string): string | undefined {
  const text = env[variable]?.trim()
  return text === '' ? undefined : text
}

/** Whole numbers that a variable may have. */
export interface WholeNumbers {
  readonly from: number
  readonly to: number
  /** A word that is allowed instead of a number. */
  readonly word?: string
}

/** Reads one whole number of the environment; undefined where it is not set, or is at fault. */
export type ReadWhole = (variable: string, allowed: WholeNumbers) => number | undefined
