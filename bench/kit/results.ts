import { mkdirSync, writeFileSync } from 'node:fs'

const RESULTS = new URL('../../results/', import.meta.url)

/** Keeps a whole run: what was shown, and every row in a line of JSON, so that two runs can be compared by lines. */
export function keepResults(
  name: string,
  shown: readonly string[],
  head: object,
  rows: readonly object[],
): void {
  mkdirSync(RESULTS, { recursive: true })
  writeFileSync(new URL(`${name}.txt`, RESULTS), `${shown.join('\n')}\n`)
  const short = (_: string, value: unknown): unknown =>
    typeof value === 'number' ? Number(value.toPrecision(5)) : value
  const lines = rows.map((row) => JSON.stringify(row, short))
  const json = `{"run":${JSON.stringify(head)},\n"rows":[\n${lines.join(',\n')}\n]}\n`
  writeFileSync(new URL(`${name}.json`, RESULTS), json)
}
