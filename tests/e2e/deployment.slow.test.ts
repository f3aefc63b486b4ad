import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { freePort } from '@jamey/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { emptyFolder, jamey, Program, removeFolder } from './program.js'

/** docs/deployment.md as it is written: two folders stand for its two machines. */

const page = readFileSync(resolve(import.meta.dirname, '../../docs/deployment.md'), 'utf8')
const PARTS = ['hub/broker', 'hub/memory', 'hub/conscience', 'edge/conscience', 'edge/gateway'] as const

let folder: string
let ports: { broker: number; http: number }
const parts = new Map<string, Program>()

/** The `.env` of the page for a part; the gateway's is told as a change of the one before it. */
function environmentOf(part: string): string {
  const [machine = '', name = ''] = part.split('/')
  if (part === 'edge/gateway')
    return environmentOf('edge/conscience').replaceAll('jamey-conscience', 'jamey-gateway')
  const section = page.slice(page.indexOf(`On \`${machine}\`, \`/srv/jamey/`))
  const block = section.slice(section.indexOf(`/srv/jamey/${name}/.env`)).match(/```\n([\s\S]*?)```/)
  return block?.[1] ?? ''
}

async function start(part: string): Promise<void> {
  const name = part.split('/')[1] ?? ''
  const program = new Program(join(folder, part), ['run', name])
  parts.set(part, program)
  await program.prints(name === 'broker' ? /broker listens/ : /is ready/)
}

/** The commands of the first code block of the page's section about certificates. */
function issueCommands(): string[][] {
  const block = /## Certificates and secret[\s\S]*?```\n([\s\S]*?)```/.exec(page)?.[1] ?? ''
  return block
    .trim()
    .split('\n')
    .map((line) => line.replace(/^jamey /, '').split(' '))
}

beforeAll(async () => {
  folder = emptyFolder()
  ports = { broker: await freePort(), http: await freePort() }
  for (const part of PARTS) {
    mkdirSync(join(folder, part), { recursive: true })
    const env = environmentOf(part).replaceAll('hub.example.org', '127.0.0.1').replace('0.0.0.0', '127.0.0.1')
    const own = { broker: `JAMEY_BROKER_PORT=${ports.broker}`, gateway: `JAMEY_HTTP_PORT=${ports.http}` }
    const [, name = ''] = part.split('/')
    const port = name === 'broker' ? own.broker : `MQTT_PORT=${ports.broker}\n${own.gateway}`
    writeFileSync(join(folder, part, '.env'), `${env}${port}\n`)
  }
  for (const command of issueCommands()) expect((await jamey(join(folder, 'hub'), command)).code).toBe(0)
  const named = [...page.matchAll(/^\| `\.jamey\/([^`]+)`(?:, `(\.key)`)? \|/gm)]
  const files = named.flatMap(([, file = '', key]) => [
    file,
    ...(key === undefined ? [] : [file.replace('.crt', key)]),
  ])
  expect(files).toHaveLength(6)
  for (const file of files)
    cpSync(join(folder, 'hub/.jamey', file), join(folder, 'edge/.jamey', file), { recursive: true })
  // The broker comes last: the order does not matter.
  await Promise.all([...PARTS].reverse().map(start))
})

afterAll(async () => {
  await Promise.all([...parts.values()].map((program) => program.stop()))
  if (folder !== undefined) removeFolder(folder)
})

async function evaluate(): Promise<Response> {
  return fetch(`http://127.0.0.1:${ports.http}/v1/conscience/evaluate`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ action: 'summarise the notes' }),
  })
}

describe('two machines', () => {
  it('answer together, and both consciences judge', async () => {
    const watcher = new Program(join(folder, 'edge/gateway'), [
      'sub',
      'jamey/conscience/results',
      '--count',
      '8',
    ])
    await watcher.prints(/subscribed/)
    for (let i = 0; i < 8; i++) expect((await evaluate()).status).toBe(200)
    const { stdout } = await watcher.ended()
    expect(stdout).toContain('from jamey-conscience-2')
    expect(stdout).toMatch(/from jamey-conscience$/m)
  })

  it('let commands in the folder of a part look at the system without ending the part', async () => {
    const doctor = await jamey(join(folder, 'edge/gateway'), ['doctor'])
    expect(doctor).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing is wrong') })
    expect((await jamey(join(folder, 'hub/memory'), ['recall', 'x'])).code).toBe(0)
    expect((await evaluate()).status).toBe(200)
  })

  it('stay up on SIGHUP', async () => {
    const [broker, conscience] = [parts.get('hub/broker'), parts.get('edge/conscience')]
    for (const part of [broker, conscience]) part?.signal('SIGHUP')
    await broker?.prints(/reloaded: certificates, limits and permissions/)
    await conscience?.prints(/reloaded/)
    expect((await evaluate()).status).toBe(200)
  })

  it('take a new secret as the page says: who has the old one is refused and started again', async () => {
    const hub = join(folder, 'hub')
    rmSync(join(hub, '.jamey/token-secret'))
    const [command = []] = issueCommands()
    expect((await jamey(hub, command)).stdout).toContain('made anew in .jamey: token-secret')
    cpSync(join(hub, '.jamey/token-secret'), join(folder, 'edge/.jamey/token-secret'))
    await parts.get('hub/broker')?.stop()
    await start('hub/broker')
    const others = PARTS.slice(1)
    const codes = await Promise.all(others.map(async (part) => (await parts.get(part)?.ended())?.code))
    expect(codes).toEqual(others.map(() => 3))
    await Promise.all(others.map(start))
    expect((await evaluate()).status).toBe(200)
  })
})
