import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export type Standard = '5.0' | '3.1.1'
export type Concern = 'client' | 'server' | 'both'

export const STANDARDS: readonly Standard[] = ['5.0', '3.1.1']

/** The reason of a statement whose test is still to be written. */
export const NOT_YET = 'not yet tested'

/** One normative statement of a standard: a line of `mqtt-<standard>.txt`. */
export interface Statement {
  standard: Standard
  /** As `3.1.0-2`, without the `MQTT-` in front. */
  number: string
  concerns: Concern
  asks: string
  /** Why no test holds it; undefined where one has to. */
  reason: string | undefined
}

export function readStatements(standard: Standard): Statement[] {
  const name = `mqtt-${standard}.txt`
  const lines = readFileSync(join(import.meta.dirname, name), 'utf8').split('\n')
  return lines.flatMap((line, index) => {
    if (line === '' || line.startsWith('#')) return []
    const [number = '', concerns = '', asks = '', reason, ...rest] = line
      .split('|')
      .map((field) => field.trim())
    const isWhole = /^\d+\.\d+\.\d+-\d+$/.test(number) && asks !== '' && rest.length === 0
    if (!isWhole || !isConcern(concerns) || reason === '') {
      throw new Error(`${name}:${index + 1}: expected "number | concerns | asks" or one field more: ${line}`)
    }
    return [{ standard, number, concerns, asks, reason }]
  })
}

function isConcern(text: string): text is Concern {
  return text === 'client' || text === 'server' || text === 'both'
}
