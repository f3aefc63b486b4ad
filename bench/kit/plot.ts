/** Line plots as SVG text, without a library. The colours are legible on white and on black; there is no background. */

export interface Series {
  readonly name: string
  readonly points: readonly (readonly [x: number, y: number])[]
}

export interface PlotOptions {
  readonly title: string
  readonly xLabel: string
  readonly yLabel: string
  readonly series: readonly Series[]
}

const WIDTH = 720
const HEIGHT = 420
const AREA = { left: 76, right: 30, top: 44, bottom: 56 }
const LEGEND_LINE = 18
const INK = '#7d8794'
const GRID = '#7d879440'
const COLOURS = ['#3b82f6', '#d97706', '#16a34a', '#a855f7', '#dc2626'] as const

/** Both axes are logarithmic: a straight line that rises with the size is a cost that grows with it. */
export function logPlot({ title, xLabel, yLabel, series }: PlotOptions): string {
  const drawn = series.filter(({ points }) => points.length > 0)
  const all = drawn.flatMap(({ points }) => points)
  if (all.length === 0) return ''
  const x = logAxis(
    all.map(([value]) => value),
    AREA.left,
    WIDTH - AREA.right,
  )
  const legendTop = AREA.top + drawn.length * LEGEND_LINE
  const y = logAxis(
    all.map(([, value]) => value),
    HEIGHT - AREA.bottom,
    legendTop,
  )
  const middle = (AREA.left + WIDTH - AREA.right) / 2
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="system-ui, sans-serif" font-size="13" fill="${INK}">`,
    `<title>${escaped(title)}</title>`,
    text(AREA.left, 24, title, 'start', ' font-size="16" font-weight="600"'),
    ...x.ticks.map((tick) => line(x.at(tick), legendTop, x.at(tick), HEIGHT - AREA.bottom)),
    ...x.ticks.map((tick) => text(x.at(tick), HEIGHT - AREA.bottom + 20, shown(tick), 'middle')),
    ...y.ticks.map((tick) => line(AREA.left, y.at(tick), WIDTH - AREA.right, y.at(tick))),
    ...y.ticks.map((tick) => text(AREA.left - 8, y.at(tick) + 4, shown(tick), 'end')),
    text(middle, HEIGHT - 12, xLabel, 'middle'),
    text(
      0,
      0,
      yLabel,
      'middle',
      ` transform="translate(18 ${(legendTop + HEIGHT - AREA.bottom) / 2}) rotate(-90)"`,
    ),
    ...drawn.flatMap((one, i) => drawSeries(one, i, x.at, y.at)),
    '</svg>',
    '',
  ].join('\n')
}

function drawSeries(
  { name, points }: Series,
  i: number,
  x: (value: number) => number,
  y: (value: number) => number,
): string[] {
  const colour = COLOURS[i % COLOURS.length]
  const at = points.map(([a, b]) => [x(a).toFixed(1), y(b).toFixed(1)] as const)
  const legendY = AREA.top + i * LEGEND_LINE
  return [
    `<polyline fill="none" stroke="${colour}" stroke-width="2.5" points="${at.map((pair) => pair.join(',')).join(' ')}"/>`,
    ...at.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="4" fill="${colour}"/>`),
    `<circle cx="${AREA.left + 6}" cy="${legendY - 4}" r="5" fill="${colour}"/>`,
    text(AREA.left + 18, legendY, name, 'start'),
  ]
}

interface Axis {
  readonly ticks: readonly number[]
  at(value: number): number
}

/** From one power of ten to another, with all values between them. */
function logAxis(values: readonly number[], from: number, to: number): Axis {
  const positive = values.filter((value) => value > 0)
  const low = Math.floor(Math.log10(Math.min(...positive)) + 1e-9)
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...positive)) - 1e-9))
  const ticks = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i))
  // Nothing may fall below the axis; a value of nought is drawn on it.
  const share = (value: number): number => (Math.log10(Math.max(value, 10 ** low)) - low) / (high - low)
  return { ticks, at: (value) => from + share(value) * (to - from) }
}

function line(x1: number, y1: number, x2: number, y2: number): string {
  return `<path d="M${x1.toFixed(1)} ${y1.toFixed(1)}L${x2.toFixed(1)} ${y2.toFixed(1)}" stroke="${GRID}"/>`
}

function text(x: number, y: number, content: string, anchor: string, more = ''): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}"${more}>${escaped(content)}</text>`
}

function shown(value: number): string {
  if (value >= 1e6) return `${value / 1e6} M`
  if (value >= 1e3) return `${value / 1e3} k`
  return String(Number(value.toPrecision(3)))
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
