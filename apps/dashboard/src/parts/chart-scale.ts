/** Steps of the axes of a chart: figures that people count by. */

const DECIMAL_STEPS = [1, 2, 5, 10]
const CLOCK_STEPS_SECONDS = [10, 15, 30, 60, 120, 300]

/** From 0 up to `top` in at most `most` steps of 1, 2 or 5 times a power of ten, or of a power of two. */
export function stepsOf(top: number, most: number, isBinary: boolean): number[] {
  const least = top / most
  const power = isBinary ? 2 ** Math.ceil(Math.log2(least)) : 10 ** Math.floor(Math.log10(least))
  const step = isBinary
    ? Math.max(1, power)
    : power * (DECIMAL_STEPS.find((factor) => power * factor >= least) ?? 10)
  return Array.from({ length: Math.floor(top / step) + 1 }, (_, i) => i * step)
}

/** Whole moments of the clock between two, in seconds since 1970, at most `most` of them. */
export function momentsOf(begin: number, end: number, most: number): { moments: number[]; step: number } {
  const least = (end - begin) / Math.max(1, most)
  const step = CLOCK_STEPS_SECONDS.find((one) => one >= least) ?? least
  const first = Math.ceil(begin / step) * step
  const count = Math.max(0, Math.floor((end - first) / step) + 1)
  return { moments: Array.from({ length: count }, (_, i) => first + i * step), step }
}

/** The place of the value that is nearest to another, in a list that only grows. */
export function nearestOf(values: readonly number[], to: number): number {
  let best = 0
  values.forEach((value, i) => {
    if (Math.abs(value - to) < Math.abs((values[best] ?? 0) - to)) best = i
  })
  return best
}
