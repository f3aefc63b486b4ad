import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { numbersIn, readPromises, writePage } from './promises/promises.js'
import { findTestNames } from './test-names.js'

const root = resolve(import.meta.dirname, '../..')
const promises = readPromises()
const names = findTestNames(root, ['packages', 'services', 'apps', 'tests'], 'promises? \\d')

describe('promises', () => {
  it('are numbered from 1 on', () => {
    expect(promises.map(({ number }) => number)).toEqual(promises.map((_, index) => index + 1))
  })

  it('are each held by a test, or say what is missing', () => {
    const held = new Set(names.flatMap(({ rules }) => rules.flatMap(numbersIn)))
    const bare = promises.filter(({ number, reason }) => reason === undefined && !held.has(number))
    expect(bare.map(({ number, text }) => `${number}: ${text}`)).toEqual([])
  })

  it('are claimed by no test that names one that does not exist', () => {
    const unknown = names.flatMap(({ file, line, rules }) =>
      rules.flatMap(numbersIn).flatMap((number) => {
        return number >= 1 && number <= promises.length ? [] : [`${file}:${line}: ${number}`]
      }),
    )
    expect(unknown).toEqual([])
  })

  it('stand in docs/promises.md as npm run promises writes them', async () => {
    await expect(writePage(promises, names)).toMatchFileSnapshot(join(root, 'docs/promises.md'))
  })
})
