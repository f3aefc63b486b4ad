import { type ParseArgsConfig, parseArgs } from 'node:util'

/** What a comparison, row by row, is told on the command line. */
export interface RowArguments<Row> {
  readonly rows: readonly Row[]
  /** Of each measured window. */
  readonly windowMs: number
  readonly rounds: number
  /** Whether the results are kept. */
  readonly writes: boolean
  /** Those that only this comparison has. */
  readonly own: Readonly<Record<string, unknown>>
}

/** Undefined: everything was said, there is nothing to measure. Throws where an option is wrong. */
export function readRowArguments<Row extends { readonly name: string }>(
  usage: string,
  all: readonly Row[],
  seconds: string,
  own: NonNullable<ParseArgsConfig['options']> = {},
): RowArguments<Row> | undefined {
  const { values } = parseArgs({
    options: {
      ...own,
      only: { type: 'string' },
      seconds: { type: 'string', default: seconds },
      rounds: { type: 'string', default: '3' },
      list: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(usage)
    return undefined
  }
  const pattern = new RegExp(values.only ?? '', 'i')
  const rows = all.filter(({ name }) => pattern.test(name))
  if (rows.length === 0) throw new Error(`no row is named like ${pattern}; --list tells the names`)
  if (values.list) {
    process.stdout.write(`${rows.map(({ name }) => name).join('\n')}\n`)
    return undefined
  }
  return {
    rows,
    windowMs: 1000 * above('seconds', values.seconds, 0),
    rounds: Math.ceil(above('rounds', values.rounds, 0)),
    writes: values.only === undefined || values.write,
    own: values,
  }
}

function above(name: string, text: string, least: number): number {
  const value = Number(text)
  if (value > least) return value
  throw new Error(`--${name} is ${text}; expected a number above ${least}`)
}
