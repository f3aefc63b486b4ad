import {
  ConfigurationError,
  MessageError,
  NoResponderError,
  PermissionError,
  RemoteError,
  RequestTimeoutError,
} from '@jamey/bus'
import { RuleFileError } from '@jamey/conscience'
import { AuthenticationError, ConnectionError, PublishError, SubscriptionError } from '@jamey/mqtt'
import { describe, expect, it } from 'vitest'
import { EXIT, EXIT_CODES, formatExitCodes } from './exit-codes.js'
import { CommandFailure, reportOf } from './failure.js'

describe('reportOf', () => {
  it.each([
    ['a missing permission', new PermissionError('publish:a', 'me'), EXIT.refused],
    ['a token nobody takes', new AuthenticationError('bad-credentials', 'no'), EXIT.refused],
    ['a refused publish', new PublishError('refused', 'no', { reasonCode: 0x87 }), EXIT.refused],
    ['a refused subscription', new SubscriptionError('refused', 'no', { reasonCode: 0x87 }), EXIT.refused],
    ['a verdict of a service', new RemoteError('forbidden', 'no', false), EXIT.refused],
    ['a request without an answer', new RequestTimeoutError('t', 'a', 10), EXIT.timeout],
    ['a publish without an acknowledgement', new PublishError('timeout', 'late'), EXIT.timeout],
    ['nobody who serves', new NoResponderError('t', 'a'), EXIT.unavailable],
    ['no connection', new ConnectionError('unreachable', 'gone', { retryable: true }), EXIT.unavailable],
    ['a service whose own service is gone', new RemoteError('unavailable', 'gone', true), EXIT.unavailable],
    ['bad settings', new ConfigurationError([]), EXIT.usage],
    ['a policy that cannot be used', new RuleFileError([]), EXIT.usage],
    ['a bad message', new MessageError('t', 'payload', 'is bad'), EXIT.usage],
    ['input a service refuses', new RemoteError('invalid-request', 'bad', false), EXIT.usage],
    ['a publish to no topic', new PublishError('invalid-argument', 'bad'), EXIT.usage],
    ['an interruption', new DOMException('stopped', 'AbortError'), EXIT.interrupted],
    ['a failure of a service', new RemoteError('internal', 'broken', false), EXIT.other],
    ['anything else', new Error('broken'), EXIT.other],
    ['what is no error', 'broken', EXIT.other],
  ])('leaves with the code of %s', (_, error, code) => {
    expect(reportOf(error).exitCode).toBe(code)
  })

  it('names a field as whoever gave the command knows it, and a fault of an answer with its topic', () => {
    const fault = 'is not valid: Too big; found 100001 characters'
    const asked = new MessageError('jamey/memory/others/store', 'payload.data.content', fault)
    expect(reportOf(asked).message).toBe(`content ${fault}`)
    expect(reportOf(new RemoteError('invalid-request', asked.message, false)).message).toBe(
      `content ${fault}`,
    )
    const answered = new MessageError('jamey/memory/responses/me', 'payload.data.content', fault)
    expect(reportOf(answered).message).toBe(answered.message)
  })

  it('keeps message, code, hint and whether trying again helps, and never a stack', () => {
    const failure = new CommandFailure('gone', {
      code: 'no-broker',
      exitCode: EXIT.unavailable,
      hint: 'start it',
    })
    expect(reportOf(failure)).toEqual({ code: 'no-broker', exitCode: 5, message: 'gone', hint: 'start it' })
    const remote = reportOf(new RemoteError('busy', 'later', true))
    expect(remote).toEqual({ code: 'busy', exitCode: 1, message: 'later', retryable: true })
    expect(JSON.stringify(reportOf(new Error('broken')))).not.toContain('at ')
  })
})

describe('the exit codes', () => {
  it('are each in the table once, and in the help', () => {
    expect(EXIT_CODES.map(({ name, code }) => [name, code])).toEqual(Object.entries(EXIT))
    expect(new Set(EXIT_CODES.map(({ code }) => code)).size).toBe(EXIT_CODES.length)
    for (const { code, meaning } of EXIT_CODES) {
      expect(formatExitCodes()).toMatch(new RegExp(`^ *${code} .*${meaning.slice(0, 10)}`, 'm'))
    }
  })
})
