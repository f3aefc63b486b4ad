import { FakeClock, settled } from '@jamey/testing'
import { expect, it } from 'vitest'
import { TestRecords } from '../approvals/book.support.js'
import { openAlone } from './owned-records.js'

const inUse = Object.assign(new Error('another process has it'), { code: 'in-use' })

function system() {
  const remarks: (string | undefined)[] = []
  const clock = new FakeClock()
  const bus = { setRemark: (_: string, text: string | undefined) => void remarks.push(text) }
  const failures: Error[] = []
  const records = new TestRecords()
  const open = async () => {
    const failure = failures.shift()
    if (failure !== undefined) throw failure
    return records
  }
  return { remarks, clock, failures, records, parts: { what: 'approvals', open, clock, bus } }
}

it('whoever finds the records with another process stands by, says so, and takes them once they are free', async () => {
  const { clock, failures, parts, records, remarks } = system()
  failures.push(inUse, inUse)
  const opened = openAlone(parts, new AbortController().signal)
  await settled()
  expect(remarks.at(-1)).toMatch(/^stands by: another process keeps the approvals/)
  await clock.advance(1_000)
  expect(await opened).toBe(records)
  expect(remarks.at(-1)).toBeUndefined()
})

it('whoever is stopped while it stands by takes nothing', async () => {
  const { failures, parts, remarks } = system()
  failures.push(...Array.from({ length: 10 }, () => inUse))
  const stopping = new AbortController()
  const opened = openAlone(parts, stopping.signal)
  await settled()
  stopping.abort()
  expect(await opened).toBeUndefined()
  expect(remarks.at(-1)).toBeUndefined()
})

it('records that never can be opened are told at once', async () => {
  const { failures, parts } = system()
  failures.push(Object.assign(new Error('it is damaged'), { code: 'damaged' }))
  await expect(openAlone(parts, new AbortController().signal)).rejects.toThrow('it is damaged')
})
