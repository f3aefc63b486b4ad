import type { Task } from './job.js'

/** What ../../docs/performance.md promises of a row. */
export type Target =
  /** Messages a second, against MQTT.js in the same run. */
  | { readonly kind: 'ratio'; readonly atLeast: number }
  /** Ours alone, messages a second. */
  | { readonly kind: 'rate'; readonly atLeast: number }
  /** Ours alone, half of the messages settle within so many milliseconds. */
  | { readonly kind: 'p50'; readonly atMostMs: number }
  /** Ours alone, messages a second, as a share of those of another row in the same run. */
  | { readonly kind: 'share'; readonly ofRow: string; readonly atLeast: number }

export interface Row {
  readonly name: string
  readonly task: Task
  readonly target: Target | undefined
  /** What else the reader should know. */
  readonly note: string | undefined
}
