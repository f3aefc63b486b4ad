import { execFileSync } from 'node:child_process'
import { createHmac, randomInt } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Permissions } from '@jamey/auth'
import { isTopicName } from '@jamey/protocol'
import { PERMISSION_CASES } from '@jamey/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PLUGIN_FOLDER, SECRET } from './token-mosquitto.js'

/** The plugin's reading and deciding without a server, with the sanitizers, beside `Permissions`. */

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-fuzz-'))
  writeFileSync(join(folder, 'secret'), `${SECRET}\n`, { mode: 0o600 })
  execFileSync('make', ['-s', '-C', PLUGIN_FOLDER, 'fuzzer'])
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

type Verb = 'publish' | 'subscribe' | 'receive'
interface Question {
  readonly clientId: string
  readonly permissions: readonly string[]
  readonly verb: Verb
  readonly topic: string
}

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

function tokenOf({ clientId, permissions }: Question): string {
  const iat = Math.floor(Date.now() / 1000)
  const content = `${part({ alg: 'HS256' })}.${part({ sub: clientId, iat, exp: iat + 300, permissions })}`
  return `${content}.${createHmac('sha256', SECRET).update(content).digest('base64url')}`
}

function answersOfThePlugin(questions: readonly Question[]): string[] {
  const hex = (text: string): string => Buffer.from(text).toString('hex')
  const lines = questions.map((question) =>
    [question.verb, hex(question.clientId), tokenOf(question), hex(question.topic)].join('\t'),
  )
  const arguments_ = ['decide', join(folder, 'secret')]
  const input = `${lines.join('\n')}\n`
  const options = { input, maxBuffer: 16 * 1024 * 1024 }
  return execFileSync(join(PLUGIN_FOLDER, 'build/fuzz'), arguments_, options).toString().trim().split('\n')
}

function answerOfOurs({ clientId, permissions, verb, topic }: Question): string {
  let decided: Permissions
  try {
    decided = new Permissions(permissions, { clientId })
  } catch {
    return 'refused'
  }
  return decided.decide(verb, topic).isAllowed ? 'yes' : 'no'
}

/** Random numbers that a seed repeats (mulberry32). */
function dice(seed: number): (sides: number) => number {
  let state = seed
  return (sides) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % sides
  }
}

const LEVELS = [
  'a',
  'b',
  '',
  '+',
  '#',
  '$',
  '$SYS',
  '%c',
  'eva',
  'bob',
  'jamey',
  'caf\u00e9',
  '\u{1f916}',
  'a+',
  ' ',
]
const ROOTS = [
  '',
  '',
  '',
  'jamey/',
  'jamey/api/responses/',
  'jamey/events/status/',
  '$share/',
  '$share/g/',
  '$share/eva/',
]
const VERBS = ['', '', 'publish:', 'subscribe:', 'act-for:']

/** What the entry might grant. */
function related(entry: string, verb: Verb, clientId: string): string {
  const filter = entry.replace(/^(publish|subscribe|act-for):/, '').replaceAll('%c', clientId)
  return verb === 'subscribe' ? filter : filter.replace(/^\$share\/[^/]*\//, '').replace(/[+#]/g, 'a')
}

describe('the code of the plugin', () => {
  it('reads whatever is signed or not without a fault of memory', () => {
    const seed = randomInt(2 ** 31)
    const said = execFileSync('make', ['-s', '-C', PLUGIN_FOLDER, 'check', `SEED=${seed}`, 'ROUNDS=50000'])
    expect(said.toString()).toMatch(/50000 tokens, [1-9]\d+ taken/)
  })

  it('decides as the table says, whatever a server would let through', () => {
    const asked = PERMISSION_CASES.filter(
      ({ action, topic }) => action !== 'act-for' && !topic.includes('\0') && topic.isWellFormed(),
    ).filter(({ action, topic }) => action === 'subscribe' || isTopicName(topic))
    const questions = asked.map(({ action, ...rest }): Question => ({ ...rest, verb: action as Verb }))
    const expected = asked.map(({ name, isAllowed }) => `${name}: ${isAllowed ? 'yes' : 'no'}`)
    const answers = answersOfThePlugin(questions)
    expect(asked.map(({ name }, i) => `${name}: ${answers[i]}`)).toEqual(expected)
  })

  it('decides as Permissions does for lists and topics that nobody has thought of', () => {
    const seed = randomInt(2 ** 31)
    const roll = dice(seed)
    const one = <Value>(list: readonly Value[]): Value => list[roll(list.length)] as Value
    const filter = (): string => one(ROOTS) + Array.from({ length: 1 + roll(4) }, () => one(LEVELS)).join('/')
    const questions: Question[] = []
    while (questions.length < 20_000) {
      const permissions = Array.from({ length: 1 + roll(3) }, () => one(VERBS) + filter())
      const clientId = one(['eva', 'eva', 'bob', '$SYS', '%c', 'x'.repeat(1 + roll(140))])
      const verb = one(['publish', 'subscribe', 'receive'] as const)
      const topic = roll(2) === 0 ? filter() : related(one(permissions), verb, clientId)
      if (topic !== '' && (verb === 'subscribe' || isTopicName(topic))) {
        questions.push({ clientId, permissions, verb, topic })
      }
    }
    const ours = questions.map(answerOfOurs)
    const different = answersOfThePlugin(questions).flatMap((answer, i) =>
      answer === ours[i] ? [] : [{ ...questions[i], answer, ours: ours[i] }],
    )
    expect(different, `seed ${seed}`).toEqual([])
    for (const kind of ['yes', 'no', 'refused']) {
      expect(ours.filter((answer) => answer === kind).length, kind).toBeGreaterThan(500)
    }
  })
})
