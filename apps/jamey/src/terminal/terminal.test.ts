import { once } from 'node:events'
import { Writable } from 'node:stream'
import pc from 'picocolors'
import { describe, expect, it } from 'vitest'
import { createTerminal, formatFailure, mayColor, printable, wrap } from './terminal.js'

const plain = pc.createColors(false)

function sink(isTTY: boolean) {
  const chunks: string[] = []
  const stream = new Writable({
    write(chunk, _, done) {
      chunks.push(String(chunk))
      done()
    },
  })
  return Object.assign(stream, { isTTY, columns: 200, text: () => chunks.join('') })
}

function terminalOn(isTTY: boolean, env: NodeJS.ProcessEnv = {}) {
  const [stdout, stderr] = [sink(isTTY), sink(isTTY)]
  return { stdout, stderr, terminal: createTerminal({ stdin: process.stdin, stdout, stderr, env }) }
}

describe('colour', () => {
  it('is for terminals alone, and for none with NO_COLOR or TERM=dumb', () => {
    expect(mayColor(true, {})).toBe(true)
    expect(mayColor(false, {})).toBe(false)
    expect(mayColor(undefined, { CI: '1', FORCE_COLOR: '1' })).toBe(false)
    expect(mayColor(true, { NO_COLOR: '1' })).toBe(false)
    expect(mayColor(true, { TERM: 'dumb' })).toBe(false)
  })
})

describe('a terminal', () => {
  it('says nothing of a reader that has left, unless the command serves others', async () => {
    for (const [code, isServing] of [
      ['EPIPE', false],
      ['ENOSPC', false],
      ['EPIPE', true],
    ] as const) {
      const stderr = sink(false)
      const write = (_chunk: unknown, _: unknown, done: (error: Error) => void): void =>
        done(Object.assign(new Error(code), { code }))
      const stdout = new Writable({ write })
      const terminal = createTerminal({ stdin: process.stdin, stdout, stderr, env: {} })
      if (isServing) terminal.serve()
      terminal.print('one')
      await once(stdout, 'error')
      expect(stderr.text() === '', `${code} ${isServing}`).toBe(code === 'EPIPE' && !isServing)
    }
  })

  it('writes results to standard output and everything about them to standard error', () => {
    const { terminal, stdout, stderr } = terminalOn(false)
    terminal.print('result')
    terminal.printJson({ a: 1 })
    terminal.note('note')
    terminal.warn('careful')
    expect(stdout.text()).toBe('result\n{"a":1}\n')
    expect(stderr.text()).toBe('note\nwarning: careful\n')
  })

  it('wraps at 80 columns where the output is no terminal, never wider than 100, and as narrow as the window', () => {
    expect(terminalOn(false).terminal.columns).toBe(80)
    expect(terminalOn(true).terminal.columns).toBe(100)
    const narrow = Object.assign(sink(true), { columns: 32 })
    expect(createTerminal({ stdin: process.stdin, stdout: narrow, stderr: narrow, env: {} }).columns).toBe(32)
  })
})

describe('a failure', () => {
  const report = {
    code: 'no-broker',
    exitCode: 5,
    message: 'no broker',
    hint: 'start it',
    retryable: true,
  } as const

  it('is one line, and one more for the way out', () => {
    expect(formatFailure(report, false, plain)).toBe('error: no broker\n  -> start it')
    expect(formatFailure({ ...report, message: 'error: odd argument' }, false, plain)).toMatch(
      /^error: odd argument\n/,
    )
  })

  it('has one word for an error, in JSON none', () => {
    const doubled = { ...report, message: "error: unknown option '--x'" }
    expect(JSON.parse(formatFailure(doubled, true, plain)).error.message).toBe("unknown option '--x'")
  })

  it('names commands as they can be typed where this one was started', () => {
    const stderr = sink(false)
    const streams = { stdin: process.stdin, stdout: sink(false), stderr, env: {} }
    const terminal = createTerminal({ ...streams, argv: ['node', '/opt/j/bin/jamey.js'], cwd: () => '/srv' })
    terminal.fail({ ...report, hint: 'start it with `jamey up`' }, false)
    expect(stderr.text()).toBe('error: no broker\n  -> start it with `node /opt/j/bin/jamey.js up`\n')
  })

  it('is one JSON object per line for scripts', () => {
    expect(JSON.parse(formatFailure(report, true, plain))).toEqual({
      error: { code: 'no-broker', message: 'no broker', hint: 'start it', retryable: true, exit_code: 5 },
    })
  })
})

describe('text of others', () => {
  it('cannot steer the terminal', () => {
    expect(printable('a\u001b[2Jb\u0007\u009b\tc\n')).toBe('a\\u001b[2Jb\\u0007\\u009b\tc\n')
    expect(printable('a\u202eb\u2066c\u2028d 👩‍🚀')).toBe('a\\u202eb\\u2066c\\u2028d 👩‍🚀')
  })

  it('is broken at spaces, keeps its line breaks and leading spaces, and never loses a long word', () => {
    expect(wrap('aaaa bbbb cccc dddd eeee ffff', 24)).toBe('aaaa bbbb cccc dddd eeee\nffff')
    expect(wrap('one\n\n  two', 40, '> ')).toBe('> one\n\n>   two')
    expect(wrap('x'.repeat(60), 40)).toBe('x'.repeat(60))
  })
})
