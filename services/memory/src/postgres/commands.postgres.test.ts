import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { PASSWORD, PostgresServer } from './postgres-server.support.js'

/** The command line as it is built, where the memories are in PostgreSQL. */

const PROGRAM = fileURLToPath(new URL('../../../../apps/jamey/dist/main.js', import.meta.url))
const LINE = {
  id: 'one',
  content: 'We met in Lisbon in May.',
  layer: 'semantic',
  tags: ['travel'],
  importance: 0.7,
  created_at: '2024-11-14T20:00:00.003Z',
  occurred_at: '2024-05-11T08:30:00.000Z',
  expires_at: null,
  source: 'weather-station',
  metadata: {},
  sent_at: '2024-11-14T20:00:00.000Z',
}

let server: PostgresServer
beforeAll(async () => {
  server = await PostgresServer.start({ settings: ['fsync=off'] })
})
afterAll(() => server.stop())

it('memories are imported, exported and checked by the URL, and the rest is left to PostgreSQL', async () => {
  const url = await server.newDatabase()
  const jamey = (words: readonly string[], input = '', env = { JAMEY_MEMORY_URL: url }) => {
    const given = { env: { ...process.env, ...env }, input, encoding: 'utf8' as const }
    const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, 'memory', ...words], given)
    expect(stdout + stderr).not.toContain(encodeURIComponent(PASSWORD))
    return { status, stdout, stderr }
  }
  const line = `${JSON.stringify(LINE)}\n`
  expect(jamey(['import', '-'], line).stdout).toContain('imported 1 memory')
  expect(jamey(['import', '-'], line).stdout).toContain('1 known already')
  expect(JSON.parse(jamey(['check', '--json']).stdout)).toMatchObject({ memories: 1 })
  const exported = jamey(['export', '-'])
  expect(exported.status).toBe(0)
  expect(JSON.parse(exported.stdout)).toMatchObject(LINE)
  expect(jamey(['backup', 'copy.db'])).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('pg_dump'),
  })
  expect(jamey(['reindex'])).toMatchObject({ status: 2, stderr: expect.stringContaining('REINDEX') })
  const away = { JAMEY_MEMORY_URL: url.replace(`:${server.port}/`, ':1/') }
  expect(jamey(['check'], '', away).stderr).toContain('cannot be reached')
})

it('jamey up serves memories from the database, where one is named', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'jamey-up-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const env = { ...process.env, JAMEY_MEMORY_URL: await server.newDatabase() }
  const up = spawn(process.execPath, [PROGRAM, 'up', '--port', '0', '--http-port', '0'], { cwd: folder, env })
  const ended = once(up, 'close')
  let printed = ''
  const isReady = new Promise<void>((resolve, reject) => {
    for (const stream of [up.stdout, up.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        printed += text
        if (printed.includes('Ctrl-C stops everything')) resolve()
      })
    }
    up.once('close', () => reject(new Error(`jamey up ended:\n${printed}`)))
  })
  onTestFinished(async () => {
    up.kill('SIGINT')
    await ended
  })
  await isReady
  const run = (...words: string[]) =>
    spawnSync(process.execPath, [PROGRAM, ...words], { cwd: folder, env, encoding: 'utf8' }).stdout
  expect(run('remember', 'We met in Lisbon')).toContain('remembered')
  expect(JSON.parse(run('memory', 'check', '--json'))).toMatchObject({ memories: 1 })
  expect(existsSync(join(folder, '.jamey/data/memory.db'))).toBe(false)
})
