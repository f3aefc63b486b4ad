import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const files = ['packages', 'services']
  .flatMap((area) => readdirSync(join(root, area)).map((name) => join(area, name, 'src')))
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
  )
  .filter((file) => file.endsWith('.ts') && !/\.(test|support|contract)\.ts$|test-support|testing/.test(file))

/** Those that nobody outside their package catches, and why they are what they are. */
const INNER: Readonly<Record<string, string>> = {
  ConditionError: 'becomes a fault of a RuleFileError',
  ConnectionFault: 'becomes the reason code of a DISCONNECT',
  FileLost: 'has the record written to another file, or becomes an AuditError',
  JudgeFailure: 'becomes the status of the judge in a verdict',
  Problem: 'becomes the answer to an HTTP request',
  MalformedRequest: 'becomes a refusal of the authorization service',
  NoAnswer: 'becomes the error of a tool',
  NotJson: 'becomes a CallRefusedError',
  ProxyHeaderError: 'becomes a line of the log',
  Unreadable: 'becomes the reason why a line is dropped',
}
/** Of the same shape without that base, which the bundle for browsers has no room for. */
const OF_BROWSERS = ['MqttError', 'ProtocolError']
/** One name, and one of the two is the other. */
const NARROWED = ['MessageError']

const classes = files.flatMap((file) => {
  const text = readFileSync(resolve(root, file), 'utf8')
  return [...text.matchAll(/class (\w+)(?:<[^{]*?>)? extends (\w*Error)\b/g)].map(
    ([, name = '', base = '']) => ({
      name,
      base,
      file,
    }),
  )
})

describe('error classes', () => {
  it('have code and retryable from JameyError, but for those that stay inside', () => {
    const bare = classes.filter(({ base }) => base === 'Error').map(({ name }) => name)
    expect(bare.sort()).toEqual([...Object.keys(INNER), ...OF_BROWSERS, 'JameyError'].sort())
    expect(classes.length).toBeGreaterThan(30)
  })

  it('have a name each', () => {
    const names = classes.map(({ name }) => name).sort()
    expect(names.filter((name, i) => name === names[i - 1])).toEqual(NARROWED)
  })
})
