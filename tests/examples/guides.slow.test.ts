import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { REPOSITORY, removeFolder, type System, startSystem } from '../e2e/program.js'
import { blocksOf } from '../tidy/blocks/blocks.js'

/** The quick start and the guides beside `jamey up`: files are written and commands run as they stand there, in order. */

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 })

/** What a block of commands has to print, by the beginning of the block; whatever it is for those that are not here. */
const PRINTS: Readonly<Record<string, readonly (readonly [string, RegExp])[]>> = {
  'docs/quick-start.md': [
    ['jamey evaluate --tool Bash --arguments \'{"command": "npm', /^allow Bash$.*ordinary-work/ms],
    ['jamey evaluate --tool Bash --arguments \'{"command": "rm', /^deny Bash$.*^exit code 3$/ms],
    ['curl', /"decision":"deny"/],
    ['jamey remember', /^remembered {2}episodic.*We met in Lisbon in May.*^1 memory$/ms],
    ['jamey sub', /read_file/],
  ],
  'docs/guides/service.md': [
    ['jamey contracts show', /lab\/convert {2}convert {2}\(QoS 1, answered by lab\)/],
    ['node', /^$/],
    ['jamey request lab/convert \'{"celsius": 100}', /"fahrenheit": ?212/],
    ['jamey request lab/convert \'{"celsius": 6000}', /^refused with 1$/m],
  ],
  'docs/guides/agent.md': [
    ['node agent.mjs', /^ran npm test\ndenied: .*deletes what belongs to the system/],
    [
      'node asks.mjs',
      // The agent may go on before the command that approved has told what it did.
      /^[0-9a-f]{8} +pending +water_the_plants$(?=.*^they got 2 litres$).*approved \(once\) +water_the_plants.*it has not rained/ms,
    ],
    ['jamey policy', /^policy\.yaml is in order.*^decided with 3$/ms],
    ['node remembers.mjs', /The user takes the train, never the plane\./],
  ],
  'docs/guides/operator.md': [
    ['jamey certs', /permissions\.yaml is in order/],
    ['jamey doctor', /ok {7}service conscience.*"status":"alive".*"status":"ready"/s],
    ['jamey permissions', /"robot-7" may publish to "lab\/robot-7\/heat".*robot-7: .*lost its disk/s],
    // The page about an agent has left one, where it was tried before.
    [
      'jamey verdicts',
      /The audit is as it was written.*(nothing waits for an answer|used +water_the_plants)/s,
    ],
    ['jamey backup', /^copy: \d+ files.*^copy is whole/ms],
  ],
}

let system: System

/** Its program and the packages are there, as in the folder of a project of one's own. */
beforeAll(async () => {
  system = await startSystem()
  mkdirSync(join(system.folder, 'bin'))
  symlinkSync(join(REPOSITORY, 'apps/jamey/bin/jamey.js'), join(system.folder, 'bin/jamey'))
  symlinkSync(join(REPOSITORY, 'node_modules'), join(system.folder, 'node_modules'))
})

afterAll(async () => {
  await system?.program.stop()
  if (system !== undefined) removeFolder(system.folder)
})

describe.each(Object.keys(PRINTS))('%s', (page) => {
  const blocks = blocksOf(readFileSync(join(REPOSITORY, page), 'utf8')).filter(
    ({ marker }) => marker === undefined,
  )

  it('has commands, each of which has something to print', () => {
    const shell = blocks.filter(({ language }) => language === 'sh').map(({ text }) => text)
    const known = PRINTS[page] ?? []
    expect(shell.filter((text) => !known.some(([start]) => text.startsWith(start)))).toEqual([])
    expect(known.filter(([start]) => !shell.some((text) => text.startsWith(start)))).toEqual([])
  })

  it('does what it says', async () => {
    const { folder, http, port } = system
    const here = (text: string) =>
      text
        .replaceAll('http://127.0.0.1:8080', http)
        .replaceAll('mqtts://localhost:8883', `mqtts://localhost:${port}`)
    const env = { ...process.env, PATH: `${join(folder, 'bin')}:${process.env['PATH']}`, NO_COLOR: '1' }
    // A file is named by its first line; those further down may be used before, as one writes them before.
    for (const { text } of blocks) {
      const [, name] = /^(?:\/\/|#) ([\w.-]+\.(?:mjs|env|yaml))\n/.exec(text) ?? []
      if (name !== undefined) writeFileSync(join(folder, name), here(text), { mode: 0o600 })
    }
    // One shell, so that what is started in a block can be ended in another.
    const shell = blocks.filter(({ language }) => language === 'sh').map(({ text }) => text)
    const script = shell
      .map((text, i) => `{ ${here(text)} } >out-${i} 2>err-${i} || exit $((100 + ${i}))`)
      .join('\n')
    const run = promisify(execFile)('bash', ['-c', `set -e\n${script}`], {
      cwd: folder,
      env,
      timeout: 240_000,
    })
    const outcome = await run.then(
      () => 0,
      (error: { code: number }) => error.code,
    )
    const failed = shell[outcome - 100]
    const errors = failed === undefined ? '' : readFileSync(join(folder, `err-${outcome - 100}`), 'utf8')
    expect({ outcome, failed, errors }).toEqual({ outcome: 0, failed: undefined, errors: '' })
    for (const [i, text] of shell.entries()) {
      const [, printed = /never/] = (PRINTS[page] ?? []).find(([start]) => text.startsWith(start)) ?? []
      expect(readFileSync(join(folder, `out-${i}`), 'utf8'), text).toMatch(printed)
    }
  })
})

/** The one block of a page that begins so. */
function blockOf(page: string, start: string): string {
  const found = blocksOf(readFileSync(join(REPOSITORY, page), 'utf8')).filter(({ text }) =>
    text.startsWith(start),
  )
  if (found.length !== 1) throw new Error(`${page} has ${found.length} blocks that begin with ${start}`)
  return found[0]?.text ?? ''
}

describe('programs of other pages', () => {
  it('the one of README.md is answered with a verdict', async () => {
    const { folder, port } = system
    const env = blockOf('README.md', 'MQTT_BROKER_URL').replace('//localhost', `//localhost:${port}`)
    writeFileSync(join(folder, '.env'), env, { mode: 0o600 })
    writeFileSync(join(folder, 'newsletter.mjs'), blockOf('README.md', 'import { connectBus'))
    const { stdout } = await promisify(execFile)(process.execPath, ['newsletter.mjs'], { cwd: folder })
    expect(stdout).toMatch(/^(ask|deny|allow) \[/)
  })

  it('the one of docs/tracing.md registers an SDK', async () => {
    const program = `${blockOf('docs/tracing.md', '// sdk.mjs')}
      const { trace } = await import('@opentelemetry/api')
      trace.getTracer('test').startSpan('a span').end()`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
      cwd: REPOSITORY,
    })
    expect(stdout).toContain("name: 'a span'")
  })
})
