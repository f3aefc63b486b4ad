import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { jamey, removeFolder, type System, startSystem } from '../e2e/program.js'

/** The lines of docs/other-clients.md as they stand there, but for the port. */

const root = resolve(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/other-clients.md'), 'utf8')
const [subscribing = '', publishing = ''] = [...page.matchAll(/^```\w*\n(TOKEN=.*?)^```/gms)].map(
  ([, text]) => text,
)

let system: System

beforeAll(async () => {
  system = await startSystem()
  mkdirSync(join(system.folder, 'bin'))
  symlinkSync(join(root, 'apps/jamey/bin/jamey.js'), join(system.folder, 'bin/jamey'))
})

afterAll(async () => {
  await system?.program.stop()
  if (system !== undefined) removeFolder(system.folder)
})

function shell(lines: string) {
  const { folder, port } = system
  const env = { ...process.env, PATH: `${join(folder, 'bin')}:${process.env['PATH']}` }
  const child = spawn('bash', ['-c', lines.replaceAll('8883', String(port))], { cwd: folder, env })
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  child.stderr.on('data', (chunk) => {
    output += chunk
  })
  return { child, output: () => output, ended: once(child, 'close') }
}

it('mosquitto_pub and mosquitto_sub join by the lines of docs/other-clients.md', async () => {
  const publisher = shell(publishing)
  const [code] = await publisher.ended
  expect([code, publisher.output()]).toEqual([0, ''])
  // -C 1: it ends with the first message; -d: it says when it is subscribed, which a pipe gets only line by line.
  const line = subscribing.replace('mosquitto_sub', 'stdbuf -oL mosquitto_sub').replace('-t ', '-C 1 -d -t ')
  const subscriber = shell(line)
  await expect.poll(subscriber.output, { timeout: 30_000 }).toContain('Subscribed')
  await jamey(system.folder, ['evaluate', 'water the plants'])
  await subscriber.ended
  expect(subscriber.output()).toMatch(/jamey\/conscience\/results \{.*"action":"water the plants"/)
})
