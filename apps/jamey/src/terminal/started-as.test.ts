import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { asStarted, startedAs } from './started-as.js'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-started-'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

function place(...parts: string[]): string {
  const path = join(folder, ...parts)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, '')
  return path
}

const started = (path: string, env: NodeJS.ProcessEnv = {}, cwd = folder) =>
  startedAs({ argv: ['node', path], env, cwd: () => cwd })

describe('a command that is shown to be typed', () => {
  it('is npx jamey in a folder where npx finds this program, started by npx, npm or its path', () => {
    const path = place('node_modules', '.bin', 'jamey')
    expect(started(path, { npm_command: 'exec', npm_lifecycle_event: 'npx' })).toBe('npx jamey')
    expect(started(path)).toBe('npx jamey')
    const script = place('apps', 'jamey', 'bin', 'jamey.js')
    expect(started(script, { npm_command: 'start', npm_lifecycle_event: 'start' })).toBe('npx jamey')
  })

  it('is never npx jamey where npx would fetch a package of that name', () => {
    const elsewhere = join(folder, 'elsewhere')
    const path = place('node_modules', '.bin', 'jamey')
    const env = { npm_command: 'run-script', npm_lifecycle_event: 'test' }
    expect(started(path, env, elsewhere)).toBe(path)
    expect(started(path, {}, elsewhere)).toBe(path)
  })

  it('is jamey where the path leads to this program, and only there', () => {
    const path = place('usr', 'bin', 'jamey')
    const other = place('opt', 'bin', 'jamey')
    const PATH = ['/nowhere', join(folder, 'usr', 'bin'), join(folder, 'opt', 'bin')].join(':')
    expect(started(path, { PATH })).toBe('jamey')
    expect(started(other, { PATH })).toBe('opt/bin/jamey')
    expect(started(path, {}, join(folder, 'usr', 'bin'))).toBe('./jamey')
  })

  it('is the path of the program, as seen from the folder, for whom started that', () => {
    const path = place('my apps', 'bin', 'jamey.js')
    expect(started(path)).toBe("node 'my apps/bin/jamey.js'")
    expect(started(path, {}, join(folder, 'elsewhere'))).toBe(`node '${path}'`)
  })
})

describe('a hint', () => {
  it('has its commands, and nothing else, as they can be typed here', () => {
    const text = 'jamey runs; start it with `jamey up`, see `jamey`, or jamey/#\n  jamey recall tea'
    expect(asStarted(text, 'npx jamey')).toBe(
      'jamey runs; start it with `npx jamey up`, see `npx jamey`, or jamey/#\n  npx jamey recall tea',
    )
  })

  it('is of npm start where that was typed, with its options behind --', () => {
    expect(asStarted('try `jamey up --http-port 8081` or `jamey up`', 'npx jamey', true)).toBe(
      'try `npm start -- --http-port 8081` or `npm start`',
    )
    expect(asStarted('`jamey upload`', 'npx jamey', true)).toBe('`npx jamey upload`')
  })
})
