import { Child } from './children.js'
import { messageOf, type Report } from './role.js'

/** A million of anything takes its time. */
const PATIENCE_MS = 3_600_000

/** Named numbers; undefined where this point has none. */
export type Values = Readonly<Record<string, number | undefined>>

/** One point of a growth curve, as it is kept. */
export interface Point {
  readonly curve: string
  readonly series: string
  readonly size: number
  readonly values: Values
  readonly failure?: string
}

/** What a process that measures a point tells. */
type PointReport = Report<{ readonly values: Values }>

/** Measures one; what goes wrong becomes part of it, so that the others are still measured. */
export async function pointOf(
  curve: string,
  series: string,
  size: number,
  measure: () => Promise<Values>,
): Promise<Point> {
  try {
    return { curve, series, size, values: await measure() }
  } catch (error) {
    return { curve, series, size, values: {}, failure: messageOf(error) }
  }
}

/** Has a process measure, and says what it told. */
export async function valuesFrom(program: URL, job: object, flags: readonly string[] = []): Promise<Values> {
  const child = new Child(program, flags)
  try {
    child.give(job)
    const report = await child.next<PointReport>(PATIENCE_MS)
    if (report.type === 'failed') throw new Error(report.message)
    return report.values
  } finally {
    await child.stop()
  }
}
