const MONTHS = 'january february march april may june july august september october november december'.split(
  ' ',
)
const MONTH = MONTHS.map((month) =>
  month === 'may' ? 'may' : `${month.slice(0, 3)}(?:${month.slice(3)})?`,
).join('|')
const DAY = '(\\d{1,2})(?:st|nd|rd|th)?'
const ISO = /\b(\d{4})-(\d{2})(?:-(\d{2}))?\b/g
const DOTTED = /\b(\d{1,2})\.(\d{1,2})\.(\d{4})\b/g
const DAY_FIRST = new RegExp(`\\b${DAY} (?:of )?(${MONTH})\\b(?:,? (\\d{4})\\b)?`, 'gi')
const MONTH_FIRST = new RegExp(`\\b(${MONTH}) ${DAY}\\b(?:,? (\\d{4})\\b)?`, 'gi')
const MONTH_ALONE = new RegExp(`\\b(?:in|of|during|since|last|late|early|mid) (${MONTH})\\b(?!,? \\d)`, 'gi')
const MONTH_OF_YEAR = new RegExp(`\\b(${MONTH}),? (\\d{4})\\b`, 'gi')
const DAY_MS = 24 * 3600 * 1000

/** A span of time; `to` is not in it. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** The days and months that an English question names, in UTC; without a year those that came last. */
export function timesIn(text: string, nowMs: number): Span[] {
  if (!/\d|\b(?:in|of|during|since|last|late|early|mid) [a-z]/i.test(text)) return []
  const spans: Span[] = []
  const add = (year: string | undefined, month: number, day: string | undefined): void => {
    if (month < 0 || month > 11) return
    const span = spanOf(
      year === undefined ? yearOf(month, Number(day ?? 1), nowMs) : Number(year),
      month,
      day,
    )
    if (span !== undefined) spans.push(span)
  }
  for (const [, year, month, day] of text.matchAll(ISO)) add(year, Number(month) - 1, day)
  for (const [, day, month, year] of text.matchAll(DOTTED)) add(year, Number(month) - 1, day)
  for (const [, day, month, year] of text.matchAll(DAY_FIRST)) add(year, monthOf(month), day)
  for (const [, month, day, year] of text.matchAll(MONTH_FIRST)) add(year, monthOf(month), day)
  for (const [, month, year] of text.matchAll(MONTH_OF_YEAR)) add(year, monthOf(month), undefined)
  for (const [, month] of text.matchAll(MONTH_ALONE)) add(undefined, monthOf(month), undefined)
  return spans
}

function monthOf(name = ''): number {
  return MONTHS.findIndex((month) => month.startsWith(name.slice(0, 3).toLowerCase()))
}

/** The year in which this day came last. */
function yearOf(month: number, day: number, nowMs: number): number {
  const year = new Date(nowMs).getUTCFullYear()
  return Date.UTC(year, month, day) <= nowMs ? year : year - 1
}

function spanOf(year: number, month: number, day: string | undefined): Span | undefined {
  if (day === undefined) return { from: Date.UTC(year, month), to: Date.UTC(year, month + 1) }
  const from = Date.UTC(year, month, Number(day))
  return Number(day) >= 1 && Number(day) <= 31 ? { from, to: from + DAY_MS } : undefined
}
