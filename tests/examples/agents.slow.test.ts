import { execFile, spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { REPOSITORY, removeFolder, type System, startSystem } from '../e2e/program.js'

/** docs/agents.md against `jamey up`: its programs as they stand there, with a model that calls what the user wrote. */

const page = readFileSync(join(REPOSITORY, 'docs/agents.md'), 'utf8')
const blocks = [...page.matchAll(/^```js\n(.*?)^```/gms)].map(([, text = '']) => text)
const [approving = ''] = [...page.matchAll(/^```\w*\n(TOKEN=.*?)^```/gms)].map(([, text = '']) => text)
/** Claude Code is run in tests/agents. */
const FRAMEWORKS = ['ai-sdk', 'openai', 'langchain'] as const

let system: System

beforeAll(async () => {
  system = await startSystem()
  mkdirSync(join(system.folder, 'bin'))
  symlinkSync(join(REPOSITORY, 'apps/jamey/bin/jamey.js'), join(system.folder, 'bin/jamey'))
})

afterAll(async () => {
  await system?.program.stop()
  if (system !== undefined) removeFolder(system.folder)
})

/** Lines of the page, but for the port. */
async function shell(lines: string, variables: Record<string, string> = {}): Promise<string> {
  const env = { ...process.env, PATH: `${join(system.folder, 'bin')}:${process.env['PATH']}`, ...variables }
  const text = lines.replaceAll('http://127.0.0.1:8080', system.http)
  const { stdout } = await promisify(execFile)('bash', ['-c', text], { cwd: system.folder, env })
  return stdout
}

describe.each(FRAMEWORKS)('the example of %s', (name) => {
  const text = readFileSync(join(REPOSITORY, `examples/agents/${name}.js`), 'utf8')
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'jamey-agent-'))
    symlinkSync(join(REPOSITORY, 'node_modules'), join(folder, 'node_modules'))
    copyFileSync(join(REPOSITORY, `examples/agents/${name}.js`), join(folder, 'agent.js'))
    copyFileSync(join(REPOSITORY, `tests/examples/agent-models/${name}.js`), join(folder, 'model.js'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  /** The program and what it has printed so far. */
  function start(command: string, url = system.http) {
    const env = { ...process.env, JAMEY_URL: url }
    const child = spawn(process.execPath, ['agent.js', command], { cwd: folder, env, timeout: 60_000 })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output += chunk
      })
    }
    return new Promise<string>((resolve) => child.once('close', () => resolve(output)))
  }

  it('is short, and stands in docs/agents.md', () => {
    expect(text.split('\n').length).toBeLessThanOrEqual(40)
    expect(blocks).toContain(text)
  })

  it('runs what the policy allows', async () => {
    expect(await start('npm test')).toMatch(/^runs: npm test\ntold: done\n$/)
  })

  it('does not run what it denies, and its model is told why', async () => {
    const output = await start('rm -rf /')
    expect(output).not.toContain('runs:')
    expect(output).toContain(
      'the policy denies it (rule delete-system): it deletes what belongs to the system',
    )
  })

  it('runs what a person approves, who is somebody else', async () => {
    const command = `frobnicate ${name}`
    const waiting = start(command)
    const [token = '', list = '', answer = ''] = approving.split('\n')
    let id = ''
    await expect
      .poll(async () => {
        const { approvals } = JSON.parse(await shell(`${token}\n${list}`)) as {
          approvals: { approval_id: string; arguments: { command: string } }[]
        }
        id = approvals.find((one) => one.arguments.command === command)?.approval_id ?? ''
        return id
      })
      .not.toBe('')
    await shell(`${token}\n${answer}`, { APPROVAL: id })
    expect(await waiting).toMatch(new RegExp(`^runs: ${command}$`, 'm'))
  })

  it('runs nothing while the gateway is not there', async () => {
    const output = await start('npm test', 'http://127.0.0.1:1')
    expect(output).not.toContain('runs:')
  })
})
