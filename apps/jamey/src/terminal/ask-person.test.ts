import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { askPerson } from './ask-person.js'
import { createTerminal } from './terminal.js'

function terminalOf(isTTY: boolean) {
  const stdin = Object.assign(new PassThrough(), { isTTY })
  const stderr = Object.assign(new PassThrough(), { isTTY })
  const terminal = createTerminal({ stdin, stdout: new PassThrough(), stderr, env: {} })
  return { stdin, stderr, terminal }
}

describe('a question', () => {
  const { signal } = new AbortController()

  it('is put on standard error, and the line typed is the answer', async () => {
    const { stdin, stderr, terminal } = terminalOf(true)
    const answer = askPerson({ terminal, interrupted: signal }, 'Really? ')
    stdin.write('yes\n')
    expect(await answer).toBe('yes')
    expect(String(stderr.read())).toContain('Really? ')
  })

  it('is not put where nobody sits', async () => {
    const { stderr, terminal } = terminalOf(false)
    expect(await askPerson({ terminal, interrupted: signal }, 'Really? ')).toBeUndefined()
    expect(stderr.read()).toBeNull()
  })

  it('ends with Ctrl-C', async () => {
    const { terminal } = terminalOf(true)
    const stop = new AbortController()
    const answer = askPerson({ terminal, interrupted: stop.signal }, 'Really? ')
    stop.abort(new DOMException('stopped by SIGINT', 'AbortError'))
    await expect(answer).rejects.toMatchObject({ name: 'AbortError' })
  })
})
