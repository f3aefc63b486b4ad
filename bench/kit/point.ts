import { messageOf, type Report } from './role.js'

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
export type PointReport = Report<{ readonly values: Values }>

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
