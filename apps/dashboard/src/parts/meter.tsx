interface MeterProps {
  readonly value: number
  readonly maximum: number
}

/** How much of a bound is used, for the eye: both numbers stand beside it. */
export function Meter({ value, maximum }: MeterProps) {
  const share = maximum <= 0 ? 0 : Math.min(1, value / maximum)
  const tone = share >= 0.9 ? 'bad' : share >= 0.7 ? 'warn' : ''
  return (
    <span class="meter" aria-hidden="true">
      <i class={tone} style={{ width: `${share * 100}%` }} />
    </span>
  )
}
