import { Writable } from 'node:stream'
import { RemoteError } from '@jamey/bus'
import pc from 'picocolors'
import { describe, expect, it } from 'vitest'
import { createLog, formatLogLine } from './log.js'
import { logLevelOf } from './log-level.js'
import { createTerminal } from './terminal.js'

const colors = pc.createColors(false)

function logged(isTTY: boolean, work: (log: ReturnType<typeof createLog>) => void): string {
  const chunks: string[] = []
  const stderr = Object.assign(
    new Writable({
      write(chunk, _, done) {
        chunks.push(String(chunk))
        done()
      },
    }),
    { isTTY },
  )
  const terminal = createTerminal({ stdin: process.stdin, stdout: stderr, stderr, env: { NO_COLOR: '1' } })
  work(createLog(terminal, 'warn'))
  return chunks.join('')
}

/** As errors of the packages are: the message tells what its cause says. */
function refusal(): Error {
  const cause = new Error('self-signed certificate')
  return Object.assign(new Error('mqtts://b is not trusted: self-signed certificate', { cause }), {
    code: 'tls-verification',
  })
}

describe('the log', () => {
  it('is one line of text per entry at a terminal, without stacks', () => {
    const text = logged(true, (log) => {
      log.child({ component: 'memory' }).warn({ err: refusal(), attempt: 2 }, 'reported\na failure')
      log.error({ err: new TypeError('x is not a function') }, 'failed')
    })
    const lines = text.trimEnd().split('\n')
    expect(lines).toHaveLength(2)
    expect(lines[0]).toMatch(
      /^\d\d:\d\d:\d\d {2}warn {3}memory {2}reported a failure: mqtts:\/\/b is not trusted: self-signed certificate {2}attempt=2$/,
    )
    expect(lines[1]).toMatch(/error {2}failed: x is not a function$/)
  })

  it('is JSON elsewhere, says every cause once, and keeps stacks for what nobody foresaw', () => {
    const text = logged(false, (log) => {
      log.warn({ err: refusal() }, 'a')
      log.warn({ err: new RemoteError('busy', 'later', true) }, 'b')
      log.error({ err: new Error('odd', { cause: new Error('deep') }) }, 'c')
      log.warn({ err: 'no error at all' }, 'd')
    })
    const [a, b, c, d] = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { err: Record<string, unknown> })
    expect(a?.err).toEqual({
      type: 'Error',
      message: 'mqtts://b is not trusted: self-signed certificate',
      code: 'tls-verification',
    })
    expect(b?.err).toMatchObject({ type: 'RemoteError', kind: 'busy' })
    expect(b?.err).not.toHaveProperty('stack')
    expect(c?.err).toMatchObject({ message: 'odd', cause: 'deep', stack: expect.stringContaining('at ') })
    expect(d?.err).toBe('no error at all')
  })

  it('cannot be steered by what others wrote', () => {
    const line = JSON.stringify({ level: 40, time: 0, msg: 'x', topic: 'a\u001b[2J b' })
    expect(formatLogLine(line, colors)).not.toContain('\u001b')
    expect(formatLogLine('no JSON\nat all', colors)).toBe('no JSON at all')
  })
})

describe('a log line', () => {
  it('is one line of text for people', () => {
    const now = new Date('2026-05-31T12:00:00Z')
    const entry = {
      level: 40,
      time: now.toISOString(),
      event: 'connection.lost',
      component: 'memory',
      msg: 'lost\u001b[2J',
      attempt: 2,
    }
    const clock = now.toTimeString().slice(0, 8)
    const line = formatLogLine(`${JSON.stringify(entry)}\n`, colors)
    expect(line).toBe(`${clock}  warn   memory  lost\\u001b[2J  attempt=2`)
    const failed = formatLogLine(
      JSON.stringify({ ...entry, err: { message: 'gone', stack: 'at x' } }),
      colors,
    )
    expect(failed).toContain('gone')
    expect(failed).not.toContain('at x')
    expect(formatLogLine('not JSON\n', colors)).toBe('not JSON')
  })
})

describe('the level of the log', () => {
  it('is the option, else the variable, else the default of the command', () => {
    expect(logLevelOf('debug', { JAMEY_LOG_LEVEL: 'info' }, 'warn')).toBe('debug')
    expect(logLevelOf(undefined, { JAMEY_LOG_LEVEL: 'info' }, 'warn')).toBe('info')
    expect(logLevelOf(undefined, { JAMEY_LOG_LEVEL: '' }, 'warn')).toBe('warn')
    expect(() => logLevelOf(undefined, { JAMEY_LOG_LEVEL: 'loud' }, 'warn')).toThrow(
      /JAMEY_LOG_LEVEL is "loud"; expected one of silent, /,
    )
  })
})
