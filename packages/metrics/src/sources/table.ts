import type { Labels, MetricDefinition, Sample } from '../model/metrics.js'

/** A figure of a source: what to add to the source's labels, and how it is read. */
export type Reading<Numbers> = readonly [labels: Labels, read: (numbers: Numbers) => number | undefined]

/** A metric as a row: its name without the prefix, what it means, and its figures. */
export type Row<Numbers> = readonly [
  name: string,
  type: 'counter' | 'gauge',
  help: string,
  ...readings: readonly Reading<Numbers>[],
]

/** The metrics of one source; its numbers are read when they are asked for, once for all of them. */
export function definitionsOf<Numbers>(
  prefix: string,
  rows: readonly Row<Numbers>[],
  labels: Labels,
  numbers: () => Numbers,
): MetricDefinition[] {
  const current = onceATurn(numbers)
  return rows.map(([name, type, help, ...readings]) => ({
    name: `${prefix}_${name}`,
    type,
    help,
    read: () => samplesOf(readings, labels, current()),
  }))
}

/** All metrics are asked for in one turn of the event loop; some numbers take a walk through all sessions. */
function onceATurn<Value>(read: () => Value): () => Value {
  let known: { readonly value: Value } | undefined
  return () => {
    if (known !== undefined) return known.value
    const value = read()
    known = { value }
    setImmediate(() => {
      known = undefined
    })
    return value
  }
}

/** A figure that is not known has no sample. */
function samplesOf<Numbers>(
  readings: readonly Reading<Numbers>[],
  labels: Labels,
  numbers: Numbers,
): Sample[] {
  return readings.flatMap(([own, read]) => {
    const value = read(numbers)
    return value === undefined ? [] : [{ labels: { ...labels, ...own }, value }]
  })
}
