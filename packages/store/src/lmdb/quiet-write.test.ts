import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { writeQuietly } from './quiet-write.js'

describe('a write that fails', () => {
  it('prints nothing of lmdb beside its rejection, and everything else', async () => {
    const print = vi.spyOn(console, 'error').mockImplementation(() => {})
    onTestFinished(() => print.mockRestore())
    const printing = console.error
    const failure = Object.assign(new Error('no space left'), { code: 28 })
    failure.stack = 'Error: no space left\n    at node_modules/lmdb/write.js:516:7'
    const other = new Error('of somebody else')
    let end = (): void => {}
    const ended = new Promise<void>((resolve) => {
      end = resolve
    })
    const long = writeQuietly(() => ended)
    await expect(
      writeQuietly(async () => {
        console.error(failure)
        console.error(other)
        console.error('text', failure)
        throw failure
      }),
    ).rejects.toBe(failure)
    expect(console.error).not.toBe(printing)
    end()
    await long
    expect(console.error).toBe(printing)
    console.error(failure)
    expect(print.mock.calls).toEqual([[other], ['text', failure], [failure]])
  })
})
