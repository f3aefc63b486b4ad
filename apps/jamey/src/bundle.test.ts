import { EventEmitter } from 'node:events'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Bundle } from './bundle.js'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-bundle-'))
  write(
    'a.cjs',
    "exports.answer = () => 42\nexports.place = () => new Error().stack\nexports.load = () => importOther('node:os')\nexports.b = require('./b.cjs')\n",
  )
  write('b.cjs', "exports.join = require('node:path').join\nexports.a = require('./a.cjs')\n")
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

const write = (file: string, text: string) => writeFileSync(join(folder, file), text)
const codeFile = () => join(folder, 'code/evaluate/a.cjs.code')
const LONG_AGO = new Date('2001-01-01T00:00:00Z')

interface Loaded {
  answer(): number
  place(): string
  load(): Promise<{ tmpdir: typeof tmpdir }>
  b: { join: typeof join; a: unknown }
}

/** What a process that runs `command` gets from the bundle before it ends with `exitCode`. */
function run(command = 'evaluate', exitCode = 0): { answer: number; loaded: Loaded } {
  const host = new EventEmitter() as NodeJS.Process
  const loaded = new Bundle(folder, command, host).load('a.cjs') as Loaded
  const answer = loaded.answer()
  host.emit('exit', exitCode)
  return { answer, loaded }
}

/** Whether a run takes the code that was kept: what it does not take it writes anew. */
function takesKept(): boolean {
  utimesSync(codeFile(), LONG_AGO, LONG_AGO)
  run()
  return statSync(codeFile()).mtimeMs === LONG_AGO.getTime()
}

describe('a bundle', () => {
  it('has its files require each other and modules of Node, each loaded once', () => {
    const { answer, loaded } = run()
    expect(answer).toBe(42)
    expect(loaded.b.join('a', 'b')).toBe('a/b')
    expect(loaded.b.a).toBe(loaded)
  })

  it('keeps compiled code, and takes it the next time', () => {
    run()
    expect(takesKept()).toBe(true)
    expect(run().answer).toBe(42)
  })

  it('imports what is not in it, from kept code, too', async () => {
    for (let i = 0; i < 2; i++) expect((await run().loaded.load()).tmpdir()).toBe(tmpdir())
  })

  it('keeps the code of each command apart, and none of what was no command', () => {
    run('evaluate', 3)
    run('recall')
    run('evalaute', 2)
    run('../..')
    expect(readdirSync(join(folder, 'code')).sort()).toEqual(['evaluate', 'help', 'recall'])
  })

  it('takes no code of another source, were it of the same length', () => {
    run()
    write('a.cjs', readFileSync(join(folder, 'a.cjs'), 'utf8').replace('42', '43'))
    expect(run().answer).toBe(43)
    expect(run().answer).toBe(43)
  })

  it('takes no code of another place, which it would name in errors and import from', () => {
    run()
    const other = `${folder}-other`
    try {
      cpSync(folder, other, { recursive: true })
      const loaded = new Bundle(other, 'evaluate', new EventEmitter() as NodeJS.Process).load(
        'a.cjs',
      ) as Loaded
      expect(loaded.place()).toContain(join(other, 'a.cjs'))
    } finally {
      rmSync(other, { recursive: true, force: true })
    }
  })

  it.each([
    ['damaged', (code: Buffer) => code.fill(0xff, code.length / 2, code.length / 2 + 8)],
    ['cut off', (code: Buffer) => code.subarray(0, code.length - 1)],
    ['empty', () => Buffer.alloc(0)],
  ])('takes no code that is %s, and keeps it anew', (_, harm) => {
    run()
    const whole = readFileSync(codeFile())
    writeFileSync(codeFile(), harm(Buffer.from(whole)))
    expect(run().answer).toBe(42)
    expect(readFileSync(codeFile()).length).toBe(whole.length)
    expect(takesKept()).toBe(true)
  })

  it('runs where nothing can be kept', () => {
    write('code', 'no folder')
    expect(run().answer).toBe(42)
    rmSync(join(folder, 'code'))
    mkdirSync(codeFile(), { recursive: true })
    expect(run().answer).toBe(42)
  })
})
