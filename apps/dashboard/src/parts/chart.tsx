import { useEffect, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import { formatTime } from '../format/times.js'
import { WINDOW_SECONDS } from '../state/history.js'
import { now } from '../state/now.js'
import { colourScheme } from '../state/theme.js'

export interface Series {
  readonly label: string
  readonly values: readonly (number | null)[]
}

interface ChartProps {
  readonly title: string
  /** Seconds since 1970, one for each value. */
  readonly times: readonly number[]
  readonly series: readonly Series[]
  /** Steps of the scale are powers of two, as units of bytes are. */
  readonly isBinary?: boolean
  format(value: number): string
}

const HEIGHT = 132
const AXIS_WIDTH = 62
/** A page that was just opened shows less than the whole window. */
const SHORTEST_SECONDS = 120
const BINARY_STEPS = Array.from({ length: 40 }, (_, i) => 2 ** i)

/** Some figures over the last fifteen minutes; the same moment is pointed at in every chart of the page. */
export function Chart({ title, times, series, format, isBinary = false }: ChartProps) {
  const frame = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | undefined>(undefined)
  const [pointed, setPointed] = useState<number | undefined>(undefined)
  const names = series.map(({ label }) => label).join('\n')
  const scheme = colourScheme()

  // Made anew for other lines and colours alone; data come by setData, below.
  useEffect(() => {
    const element = frame.current
    if (element === null) return
    const made = new uPlot(
      optionsOf(element, { series, format, isBinary }, setPointed),
      [[...times], ...series.map(({ values }) => [...values])],
      element,
    )
    plot.current = made
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }))
    observer.observe(element)
    return () => {
      observer.disconnect()
      made.destroy()
    }
  }, [names, scheme])

  useEffect(() => {
    plot.current?.setData([[...times], ...series.map(({ values }) => [...values])], false)
    const end = now.peek() / 1000
    const seen = end - (times[0] ?? end)
    plot.current?.setScale('x', {
      min: end - Math.min(WINDOW_SECONDS, Math.max(SHORTEST_SECONDS, seen)),
      max: end,
    })
  }, [times, series])

  const at = pointed ?? times.length - 1
  const time = times[at]
  return (
    <figure class="chart">
      <figcaption>
        <span class="title">{title}</span>
        {series.map(({ label, values }, i) => {
          const value = values[at]
          return (
            <span key={label} class="legend">
              <i class={`swatch ink-${i}`} />
              {label} <b>{typeof value === 'number' ? format(value) : '–'}</b>
            </span>
          )
        })}
        <span class="when">
          {pointed !== undefined && time !== undefined ? formatTime(time * 1000, now.peek()) : ''}
        </span>
      </figcaption>
      <div ref={frame} class="plot" aria-hidden="true" />
    </figure>
  )
}

/** Seconds are told where the marks are nearer than a minute. */
function clockOf(seconds: number, isFine: boolean): string {
  return new Date(seconds * 1000).toTimeString().slice(0, isFine ? 8 : 5)
}

function optionsOf(
  element: HTMLElement,
  { series, format, isBinary }: Required<Pick<ChartProps, 'series' | 'format' | 'isBinary'>>,
  point: (index: number | undefined) => void,
): uPlot.Options {
  const ink = (name: string): string => {
    const probe = element.appendChild(document.createElement('i'))
    probe.className = name
    const { color } = getComputedStyle(probe)
    probe.remove()
    return color
  }
  const [muted, line] = [ink('ink-muted'), ink('ink-line')]
  const font = `11px ${getComputedStyle(element).fontFamily}`
  const axis = { stroke: muted, font, ticks: { show: false }, gap: 4 }
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    padding: [8, 6, 0, 0],
    cursor: { sync: { key: 'jamey' }, y: false, points: { show: false }, drag: { x: false, y: false } },
    scales: { x: { time: true }, y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.15 : 1] } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 24,
        space: 70,
        values: (_plot, values, _axis, _space, step) => values.map((at) => clockOf(at, step < 60)),
      },
      {
        ...axis,
        size: AXIS_WIDTH,
        space: 32,
        ...(isBinary ? { incrs: BINARY_STEPS } : {}),
        grid: { stroke: line, width: 1 },
        values: (_plot, values) => values.map((value) => format(value)),
      },
    ],
    series: [
      {},
      ...series.map(({ label }, i) => ({
        label,
        stroke: ink(`ink-${i}`),
        width: i === 0 ? 1.5 : 1.25,
        ...(i === 0 ? {} : { dash: [4, 3] }),
        points: { show: false },
        spanGaps: false,
      })),
    ],
    hooks: {
      setCursor: [({ cursor }) => point(cursor.idx ?? undefined)],
    },
  }
}
