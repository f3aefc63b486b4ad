import { signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import { formatTime } from '../format/times.js'
import { WINDOW_SECONDS } from '../state/history.js'
import { now } from '../state/now.js'
import { momentsOf, nearestOf, stepsOf } from './chart-scale.js'

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
/** Room for the figures of the scale, and for the times below. */
const LEFT = 62
const FOOT = 24
const TOP = 12
const RIGHT = 6
/** A page that was just opened shows less than the whole window. */
const SHORTEST_SECONDS = 120
/** The highest value is not at the very top. */
const HEADROOM = 1.15
const MOST_STEPS = 3
const MOMENT_WIDTH = 70
/** Half of a moment: nearer to an end it would be cut off. */
const MOMENT_MARGIN = 25

/** The moment that is pointed at in every chart of the page, in seconds since 1970. */
const pointed = signal<number | undefined>(undefined)

/** Some figures over the last fifteen minutes, as lines; arrow keys lead through them as the pointer does. */
export function Chart(props: ChartProps) {
  const { title, times, series, format } = props
  const frame = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(0)
  useLayoutEffect(() => {
    const { current } = frame
    if (current === null) return
    const observer = new ResizeObserver(() => setWidth(current.clientWidth))
    observer.observe(current)
    return () => observer.disconnect()
  }, [])
  const { begin, perPixel, lines } = useMemo(() => draw(props, width), [times, series, width])
  const last = times.length - 1
  const at = pointed.value === undefined ? last : nearestOf(times, pointed.value)
  const time = times[at] ?? 0
  const when = formatTime(time * 1000, now.peek())
  const told = series.map(({ label, values }) => ({ label, figure: figureOf(values[at], format) }))
  const leave = (): void => {
    pointed.value = undefined
  }
  return (
    <figure class="chart">
      <figcaption>
        <span class="title">{title}</span>
        {told.map(({ label, figure }, i) => (
          <span key={label} class="legend">
            <i class={`swatch ink-${i}`} />
            {label} <b>{figure}</b>
          </span>
        ))}
        <span class="when">{pointed.value !== undefined && when}</span>
      </figcaption>
      <div
        ref={frame}
        class="plot"
        role="slider"
        tabIndex={0}
        aria-label={`${title}: moment`}
        aria-valuemin={0}
        aria-valuemax={last}
        aria-valuenow={at}
        aria-valuetext={[when, ...told.map(({ label, figure }) => `${label} ${figure}`)].join(', ')}
        onPointerMove={({ clientX, currentTarget }) => {
          const x = clientX - currentTarget.getBoundingClientRect().left - LEFT
          pointed.value = begin + x * perPixel
        }}
        onPointerLeave={leave}
        onBlur={leave}
        onKeyDown={(event) => {
          const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last }[event.key]
          if (to === undefined) return
          event.preventDefault()
          pointed.value = times[Math.max(0, Math.min(last, to))]
        }}
      >
        <svg width={width} height={HEIGHT} aria-hidden="true">
          {lines}
          {pointed.value !== undefined && (
            <path class="pointed" d={`M${LEFT + (time - begin) / perPixel} 0v${HEIGHT - FOOT}`} />
          )}
        </svg>
      </div>
    </figure>
  )
}

function figureOf(value: number | null | undefined, format: (value: number) => string): string {
  return typeof value === 'number' ? format(value) : '–'
}

interface Drawing {
  readonly begin: number
  /** Seconds. */
  readonly perPixel: number
  readonly lines: ComponentChildren
}

function draw({ times, series, format, isBinary = false }: ChartProps, width: number): Drawing {
  const end = now.peek() / 1000
  const seen = end - (times[0] ?? end)
  const begin = end - Math.min(WINDOW_SECONDS, Math.max(SHORTEST_SECONDS, seen))
  const room = Math.max(1, width - LEFT - RIGHT)
  const perPixel = (end - begin) / room
  const most = Math.max(0, ...series.flatMap(({ values }) => values.map((value) => value ?? 0)))
  const top = most > 0 ? most * HEADROOM : 1
  const x = (at: number): number => (at - begin) / perPixel
  const y = (value: number): number => TOP + (1 - value / top) * (HEIGHT - TOP - FOOT)
  const { moments, step } = momentsOf(begin, end, room / MOMENT_WIDTH)
  const lines = (
    <>
      {stepsOf(top, MOST_STEPS, isBinary).map((value) => (
        <>
          <path class="grid" d={`M${LEFT} ${y(value)}h${room}`} />
          <text class="step" x={LEFT - 5} y={y(value) + 4}>
            {format(value)}
          </text>
        </>
      ))}
      {/* An inner one, for what is older than the window is cut off. */}
      <svg x={LEFT} width={room + RIGHT} height={HEIGHT} aria-hidden="true">
        {series.map(({ label, values }, i) => (
          <path key={label} class={`ink-${i}`} d={pathOf(times.map(x), values, y)} />
        ))}
        {moments
          .filter((moment) => x(moment) >= MOMENT_MARGIN && x(moment) <= room + RIGHT - MOMENT_MARGIN)
          .map((moment) => (
            <text key={moment} x={x(moment)} y={HEIGHT - 7}>
              {clockOf(moment, step < 60)}
            </text>
          ))}
      </svg>
    </>
  )
  return { begin, perPixel, lines }
}

/** A line that is broken where there is no value. */
function pathOf(
  xs: readonly number[],
  values: readonly (number | null)[],
  y: (value: number) => number,
): string {
  let isDrawing = false
  return values
    .map((value, i) => {
      const move = isDrawing ? 'L' : 'M'
      isDrawing = value !== null
      return value === null ? '' : `${move}${xs[i]?.toFixed(1)} ${y(value).toFixed(1)}`
    })
    .join('')
}

/** Seconds are told where the marks are nearer than a minute. */
function clockOf(seconds: number, isFine: boolean): string {
  return new Date(seconds * 1000).toTimeString().slice(0, isFine ? 8 : 5)
}
