import { parseArgs } from 'node:util'

export interface Arguments {
  readonly minutes: number
  /** Messages a second of the steady publishers; undefined: half of what a calibration finds. */
  readonly rate: number | undefined
  /** Where the samples go, one JSON object a line; the summary stands beside it as Markdown. */
  readonly out: string | undefined
  /** TCP without TLS, and everybody let in. */
  readonly isPlain: boolean
  readonly sampleSeconds: number
}

export const USAGE = `npm run soak -- [options]

  --minutes N   how long, 60 by default; a fraction will do
  --rate N      messages a second of the steady publishers; half of what the machine reaches by default
  --out FILE    samples as JSON lines, and FILE.md the summary; soak-<time>.jsonl by default
  --sample N    seconds between two samples, 10 by default
  --plain       without TLS and tokens

Ctrl-C ends it early, with a verdict. The exit code is 1 where something was lost, doubled or out of order, or an error
came that should not.
`

/** Throws an error with a sentence for the user. */
export function readArguments(argv: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      minutes: { type: 'string', default: '60' },
      rate: { type: 'string' },
      out: { type: 'string' },
      sample: { type: 'string', default: '10' },
      plain: { type: 'boolean', default: false },
    },
  })
  return {
    minutes: positive('minutes', values.minutes),
    rate: values.rate === undefined ? undefined : positive('rate', values.rate),
    out: values.out,
    isPlain: values.plain,
    sampleSeconds: positive('sample', values.sample),
  }
}

function positive(name: string, text: string): number {
  const value = Number(text)
  if (value > 0 && Number.isFinite(value)) return value
  throw new Error(`--${name} is ${JSON.stringify(text)}; expected a number above 0`)
}
