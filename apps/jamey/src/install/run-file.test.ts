import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { claimRunFile, operatingSystem, type Processes, readRunFile, runFilePath } from './run-file.js'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-run-'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A machine on which exactly these processes run. */
function machine(starts: Record<number, string>): Processes {
  return { startOf: (pid) => starts[pid] }
}

const here = machine({ [process.pid]: 'monday' })

describe('the run file', () => {
  it('tells where the broker listens, readable by its owner alone, and is gone at the end', () => {
    const claim = claimRunFile(folder, '0.1.0', here)
    claim.update({ broker: { host: '127.0.0.1', port: 18_883 }, gateway: { url: 'http://127.0.0.1:18080' } })
    const run = readRunFile(folder, here)
    expect(run).toMatchObject({ state: 'running', record: { broker: { port: 18_883 }, version: '0.1.0' } })
    expect(statSync(runFilePath(folder)).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder)).toEqual(['run.json'])
    claim.release()
    expect(readRunFile(folder, here)).toEqual({ state: 'none' })
  })

  it('keeps a second start out and names the process', () => {
    claimRunFile(folder, '0.1.0', here)
    expect(() => claimRunFile(folder, '0.1.0', here)).toThrow(
      `jamey is already running for ${folder} (process ${process.pid}`,
    )
  })

  it('that cannot be written is told with its path and a way out, and leaves nothing behind', () => {
    const absent = join(folder, 'absent')
    expect(() => claimRunFile(absent, '0.1.0', here)).toThrow(
      expect.objectContaining({
        code: 'file-unwritable',
        message: expect.stringContaining(`cannot write ${runFilePath(absent)}`),
        hint: expect.stringContaining('write there'),
      }),
    )
    expect(readdirSync(folder)).toEqual([])
  })

  it('is stale when its process is gone, or is another one with the same id', () => {
    claimRunFile(folder, '0.1.0', here)
    expect(readRunFile(folder, machine({}))).toMatchObject({ state: 'stale', record: { pid: process.pid } })
    expect(readRunFile(folder, machine({ [process.pid]: 'tuesday' })).state).toBe('stale')
    expect(claimRunFile(folder, '0.2.0', machine({ [process.pid]: 'tuesday' })).replacedStale).toBe(true)
  })

  it('is stale when it cannot be read as a record, and is replaced', () => {
    for (const text of ['', '{', '[]', '{"pid": "x"}', 'null']) {
      writeFileSync(runFilePath(folder), text)
      expect(readRunFile(folder, here)).toEqual({ state: 'stale', record: undefined })
    }
    claimRunFile(folder, '0.1.0', here)
    expect(JSON.parse(readFileSync(runFilePath(folder), 'utf8'))).toMatchObject({ pid: process.pid })
  })

  it('knows the process that runs this test, and none of an id that does not exist', () => {
    expect(operatingSystem.startOf(process.pid)).toBe(operatingSystem.startOf(process.pid))
    expect(operatingSystem.startOf(process.pid)).toBeDefined()
    expect(operatingSystem.startOf(2 ** 30)).toBeUndefined()
  })
})
