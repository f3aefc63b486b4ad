import { logPlot, type Series } from './plot.js'
import type { Point } from './point.js'

/** One picture of a growth curve. */
export interface Plot {
  readonly file: string
  readonly curve: string
  readonly title: string
  readonly xLabel: string
  readonly yLabel: string
  /** The values drawn. With several, each is a series of its own. */
  readonly values: readonly string[]
}

/** File names and SVG texts of what these points are enough for. */
export function drawn(plots: readonly Plot[], points: readonly Point[]): { file: string; svg: string }[] {
  return plots
    .map((plot) => ({
      file: plot.file,
      svg: logPlot({ ...plot, series: seriesOf(plot, points) }),
    }))
    .filter(({ svg }) => svg !== '')
}

function seriesOf({ curve, values }: Plot, points: readonly Point[]): Series[] {
  const mine = points.filter((point) => point.curve === curve)
  const names = [...new Set(mine.map(({ series }) => series))]
  return names.flatMap((name) =>
    values.map((value) => ({
      name: values.length === 1 ? name : `${names.length === 1 ? '' : `${name}, `}${value}`,
      points: mine
        .filter(({ series }) => series === name)
        .flatMap(({ size, values: found }) => {
          const y = found[value]
          return y === undefined ? [] : [[size, y] as const]
        }),
    })),
  )
}
