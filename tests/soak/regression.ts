export interface Trend {
  /** By which `y` grows for each unit of `x`. */
  readonly slope: number
  /** What the slope may be off by: two standard errors, so about 95 %. */
  readonly error: number
}

/** The straight line through the points, by least squares; undefined with fewer than four. */
export function trendOf(points: readonly { readonly x: number; readonly y: number }[]): Trend | undefined {
  const count = points.length
  if (count < 4) return undefined
  const meanX = points.reduce((sum, { x }) => sum + x, 0) / count
  const meanY = points.reduce((sum, { y }) => sum + y, 0) / count
  let sumXX = 0
  let sumXY = 0
  for (const { x, y } of points) {
    sumXX += (x - meanX) ** 2
    sumXY += (x - meanX) * (y - meanY)
  }
  if (sumXX === 0) return undefined
  const slope = sumXY / sumXX
  const residual = points.reduce((sum, { x, y }) => sum + (y - meanY - slope * (x - meanX)) ** 2, 0)
  return { slope, error: 2 * Math.sqrt(residual / (count - 2) / sumXX) }
}
