import { cpSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  emptyFolder,
  JAMEY,
  type Outcome,
  Program,
  REPOSITORY,
  removeFolder,
  type System,
  startSystem,
} from './program.js'

/** A short command's time is what it loads, so that is counted: a bound on the time would measure the machine. */

let system: System
/** The command line with nothing of any other package around it. */
let alone: string

beforeAll(async () => {
  system = await startSystem()
  alone = emptyFolder()
  for (const part of ['bin', 'bundle', 'dist', 'package.json']) {
    const isKept = (path: string) => !path.endsWith('/bundle/code')
    cpSync(join(REPOSITORY, 'apps/jamey', part), join(alone, part), { recursive: true, filter: isKept })
  }
})

afterAll(async () => {
  await system?.program.stop()
  for (const folder of [system?.folder, alone]) if (folder !== undefined) removeFolder(folder)
})

const jamey = (args: string[], env?: Record<string, string>, script = join(alone, 'bin/jamey.js')) =>
  new Program(system.folder, args, env, [script]).ended()

interface Loaded {
  readonly outcome: Outcome
  /** What is not Node's own. */
  readonly files: readonly string[]
  readonly bytes: number
}

/** What one command loads, as V8's coverage lists it. */
async function loadedBy(args: string[], script?: string): Promise<Loaded> {
  const folder = join(alone, 'coverage', args.join(' '))
  mkdirSync(folder, { recursive: true })
  const outcome = await jamey(args, { NODE_V8_COVERAGE: folder }, script)
  const files = readdirSync(folder).flatMap((file) => {
    const { result } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { result: { url: string }[] }
    return result.map(({ url }) => (url.startsWith('file:') ? fileURLToPath(url) : url))
  })
  const own = files.filter((file) => file.startsWith('/'))
  return { outcome, files: own, bytes: own.reduce((sum, file) => sum + statSync(file).size, 0) }
}

describe('a short command', () => {
  it.each([
    [['--version'], 0, 12, 160_000],
    [['help'], 0, 12, 160_000],
    [['evaluate', '--tool', 'Read', '--arguments', '{"file_path": "notes.md"}'], 0, 38, 830_000],
    [['recall', 'lisbon'], 0, 38, 830_000],
    [['top', '--once'], 0, 38, 830_000],
    [['explain', 'jamey/memory/store'], 0, 38, 830_000],
  ])('loads few files, and none of another package: %j', async (args, code, mostFiles, mostBytes) => {
    const { outcome, files, bytes } = await loadedBy(args)
    expect(outcome).toMatchObject({ code, stderr: '' })
    expect(files.length).toBeGreaterThan(3)
    expect(files.length).toBeLessThanOrEqual(mostFiles)
    expect(bytes).toBeLessThanOrEqual(mostBytes)
    expect(files.filter((file) => !file.startsWith(alone))).toEqual([])
  })

  it('compiles nothing that it compiled before', async () => {
    const code = join(alone, 'bundle/code/remember')
    const written = () => readdirSync(code).map((file) => [file, statSync(join(code, file)).mtimeMs])
    expect(await jamey(['remember', 'We met in Lisbon'])).toMatchObject({ code: 0 })
    const first = written()
    expect(first.length).toBeGreaterThan(10)
    expect(await jamey(['remember', 'We met in Porto'])).toMatchObject({ code: 0 })
    expect(written()).toEqual(first)
  })

  it('takes packages with native code from where they are, with kept code, too', async () => {
    for (let i = 0; i < 2; i++) {
      const listed = await jamey(['outbox', 'list'], {}, JAMEY)
      expect(listed).toMatchObject({ code: 0, stdout: expect.stringContaining('gateway'), stderr: '' })
      const exported = await jamey(['memory', 'export', '-'], {}, JAMEY)
      expect(exported).toMatchObject({ code: 0, stdout: expect.stringContaining('Lisbon') })
    }
  })

  it('is from the bundle alone: what serves has one copy of every package', async () => {
    for (const args of [['up', '--help'], ['--', 'run', '--help'], ['broker'], ['doctor', '--json']]) {
      const { files } = await loadedBy(args, JAMEY)
      expect(files).toContain(join(REPOSITORY, 'apps/jamey/dist/command-process.js'))
      expect(files.filter((file) => file.includes('/bundle/'))).toEqual([])
    }
  })
})
