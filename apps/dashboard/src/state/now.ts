import { signal } from '@preact/signals'

/** The time of day in milliseconds: what people are told. Durations come from `performance.now`. */
export const timeOfDay = (): number => Date.now()

/** The time of day, told anew each second: for ages, countdowns, and what is stale. */
export const now = signal(timeOfDay())

const SECOND_MS = 1_000

setInterval(() => {
  now.value = timeOfDay()
}, SECOND_MS)
