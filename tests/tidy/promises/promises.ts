import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { shownName, type TestName } from '../test-names.js'

/** What users are promised: a line of `promises.txt`. */
export interface Promised {
  readonly number: number
  /** The heading it stands under. */
  readonly about: string
  readonly text: string
  /** Why no test holds it; undefined where one has to. */
  readonly reason: string | undefined
}

export function readPromises(): Promised[] {
  let about = ''
  const lines = readFileSync(join(import.meta.dirname, 'promises.txt'), 'utf8').split('\n')
  return lines.flatMap((line, index) => {
    if (line.startsWith('## ')) about = line.slice(3)
    if (line === '' || line.startsWith('#')) return []
    const [number = '', text = '', reason, ...rest] = line.split('|').map((field) => field.trim())
    if (!/^\d+$/.test(number) || text === '' || reason === '' || rest.length > 0) {
      throw new Error(`promises.txt:${index + 1}: expected "number | promise" or one field more: ${line}`)
    }
    return [{ number: Number(number), about, text, reason }]
  })
}

/** The numbers in `promises 3, 29`. */
export function numbersIn(bracket: string): number[] {
  return [...bracket.matchAll(/\d+/g)].map(([number]) => Number(number))
}

const HEAD = `# Promises

What people complain about most in MQTT clients, brokers and systems that ask and answer over them, turned into what
this one guarantees, and the tests that hold it to that. Written by \`npm run promises\` from \`tests/tidy/promises\` and
from the names of the tests, which carry the numbers; a test fails where a promise has neither a test nor a reason.

A test is named by its file and title: \`mqtt/outgoing\` is a test of \`packages/mqtt\`, \`e2e/outage\` one below \`tests/e2e\`.
`

/** `docs/promises.md`. */
export function writePage(promises: readonly Promised[], names: readonly TestName[]): string {
  const parts = [HEAD]
  let about = ''
  for (const promised of promises) {
    if (promised.about !== about) parts.push(`## ${promised.about}\n`)
    about = promised.about
    parts.push(`### ${promised.number}\n\n${promised.text}\n`, heldBy(promised, names))
  }
  return `${parts.join('\n').trimEnd()}\n`
}

function heldBy({ number, reason }: Promised, names: readonly TestName[]): string {
  const tests = names.filter(({ rules }) => rules.flatMap(numbersIn).includes(number))
  const lines = tests.map((test) => `- ${shownName(test)}`)
  return `${[...lines, ...(reason === undefined ? [] : [`Not yet: ${reason}`])].join('\n')}\n`
}
