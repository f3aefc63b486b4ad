import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@jamey/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { emptyFolder, jamey, Program, removeFolder, type System, startSystem } from './program.js'

/** The main job of the README: an empty folder, one command, and everything a new user does next. */

let system: System

beforeAll(async () => {
  system = await startSystem()
})

afterAll(async () => {
  await system?.program.stop()
  removeFolder(system?.folder)
})

const run = (...args: string[]) => jamey(system.folder, args)

async function json(...args: string[]): Promise<unknown> {
  const { code, stdout, stderr } = await run(...args, '--json')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return JSON.parse(stdout)
}

function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${system.http}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}

describe('jamey up', () => {
  it('says what runs where, and three commands to try next', () => {
    const text = system.program.stdout
    for (const part of ['broker', 'conscience', 'memory', 'gateway', `${system.port}`, system.http]) {
      expect(text).toContain(part)
    }
    expect(text.match(/jamey\.js (evaluate|remember|recall)/g)?.length).toBeGreaterThanOrEqual(3)
  })

  it('keeps its folder to its owner: 0700, every secret file 0600', () => {
    const folder = join(system.folder, '.jamey')
    expect((statSync(folder).mode & 0o777).toString(8)).toBe('700')
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    )
    const open = files
      .filter(({ name }) => /\.key$|secret|\.db/.test(name))
      .map(({ name, parentPath }) => `${name} ${(statSync(join(parentPath, name)).mode & 0o777).toString(8)}`)
    expect(open.length).toBeGreaterThanOrEqual(6)
    expect(open.filter((line) => !line.endsWith(' 600'))).toEqual([])
  })

  it('tells a taken port in one line, with the way out', async () => {
    const second = emptyFolder()
    const httpPort = await freePort()
    const brokerTaken = await jamey(second, [
      'up',
      '--port',
      String(system.port),
      '--http-port',
      String(httpPort),
    ])
    expect(brokerTaken.code).not.toBe(0)
    expect(brokerTaken.stderr).toContain(String(system.port))
    expect(brokerTaken.stderr).toContain('--port')
    expect(brokerTaken.stderr).not.toMatch(/\n\s+at /)

    const taken = new URL(system.http).port
    const port = await freePort()
    const httpTaken = await jamey(second, ['up', '--port', String(port), '--http-port', taken])
    expect(httpTaken.code).not.toBe(0)
    expect(httpTaken.stderr).toContain(taken)
    expect(httpTaken.stderr).toContain('--http-port')
    expect(httpTaken.stderr).not.toMatch(/\n\s+at /)
    removeFolder(second)
  })
})

describe('the conscience', () => {
  it('forbids what harms without consent, and says why', async () => {
    const { code, stdout } = await run(
      'evaluate',
      "delete the customer's records",
      '--context',
      '{"consent": false}',
    )
    expect(code).toBe(3)
    expect(stdout).toMatch(/^deny /)
  })

  it('allows a call that reads, and asks about one that it does not know', async () => {
    const read = await json('evaluate', '--tool', 'read_file', '--arguments', '{"path": "README.md"}')
    expect(read).toMatchObject({ kind: 'call', approved: true, decision: 'allow' })
    const { code, stdout } = await run('evaluate', '--tool', 'frobnicate', '--json')
    expect([code, JSON.parse(stdout).decision]).toEqual([3, 'ask'])
  })

  it('asks about words that nothing knows, rather than allow them silently', async () => {
    const { code, stdout } = await run('evaluate', 'flibber the jabberwock', '--json')
    expect(code).toBe(3)
    expect(JSON.parse(stdout)).toMatchObject({ decision: 'ask', outcome: 'unrecognised', approved: false })
  })

  it('announces each verdict on jamey/conscience/results as it happens', async () => {
    const watcher = new Program(system.folder, ['sub', 'jamey/conscience/results', '--count', '1', '--json'])
    await watcher.prints(/subscribed/i)
    const { stdout } = await run('evaluate', 'wipe the production database', '--json')
    const { code, stdout: seen } = await watcher.ended()
    expect(code).toBe(0)
    const verdict = JSON.parse(stdout) as { evaluation_id: string }
    expect(seen).toContain(verdict.evaluation_id)
  })

  it('is among the events, a line each, of which those of before come first', async () => {
    const filters = ['jamey/events/status/#', 'jamey/conscience/results/#']
    const watcher = new Program(system.folder, ['events', ...filters, '--count', '4'])
    await watcher.prints(/(.*\(before\)){3}/s)
    const stream = await fetch(`${system.http}/v1/events?filter=jamey/conscience/results`)
    await run('evaluate', 'wipe the production database')
    const { code, stdout } = await watcher.ended()
    expect(code).toBe(0)
    expect(stdout).toMatch(/ {2}status {5}jamey-memory {8}online {2}\(before\) {2}memory /)
    expect(stdout).toMatch(/ {2}verdict {4}jamey-cli-\w+ {2}\w+ {2}"wipe the production database/)
    let text = ''
    for await (const chunk of stream.body ?? []) {
      text += Buffer.from(chunk).toString()
      if (text.includes('wipe the production database')) break
    }
    expect(text).toContain('"is_verified":true')
  })

  it('gives the same verdict over HTTP, asked through jamey/api/requests and answered in an inbox', async () => {
    const watcher = new Program(system.folder, ['sub', 'jamey/api/requests', '--json'])
    await watcher.prints(/subscribed/i)
    const body = { action: "delete the customer's records", context: { consent: false } }
    const response = await post('/v1/conscience/evaluate', body)
    expect(response.status).toBe(200)
    const overHttp = (await response.json()) as Record<string, unknown>
    const { stdout } = await run('evaluate', body.action, '--context', JSON.stringify(body.context), '--json')
    const overMqtt = JSON.parse(stdout) as Record<string, unknown>
    for (const field of ['approved', 'decision', 'rules', 'reasons']) {
      expect(overHttp[field]).toEqual(overMqtt[field])
    }
    // The gateway also asks itself there whether it is heard.
    await watcher.prints(/conscience\.evaluate/)
    const { stdout: request } = await watcher.stop()
    expect(request).toContain('jamey/api/responses/')
  })
})

describe('the memory', () => {
  it('remembers and recalls, ranked', async () => {
    expect(
      (await run('remember', '--layer', 'episodic', '--tag', 'travel', 'We met in Lisbon in May')).code,
    ).toBe(0)
    expect(
      (await run('remember', '--layer', 'episodic', 'Lisbon is mentioned here among many other things')).code,
    ).toBe(0)
    const { code, stdout } = await run('recall', 'lisbon')
    expect(code).toBe(0)
    expect(stdout).toContain('We met in Lisbon in May')
    const found = (await json('recall', 'met lisbon may', '--tag', 'travel')) as {
      memories: { content: string }[]
    }
    expect(found.memories.map(({ content }) => content)).toEqual(['We met in Lisbon in May'])
  })

  it('stores a text paragraph by paragraph, and the same text again not twice', async () => {
    const paragraphs = ['# Notes', 'The kettle boils at noon.', 'Marzipan is kept\nin the blue tin.']
    writeFileSync(join(system.folder, 'NOTES.md'), paragraphs.join('\n\n'))
    expect((await run('remember', '--file', 'NOTES.md')).code).toBe(0)
    expect((await run('remember', '--file', 'NOTES.md')).code).toBe(0)
    const found = (await json('recall', 'marzipan')) as { total: number }
    expect(found.total).toBe(1)
  })

  it('announces a shared memory on jamey/memory/updates', async () => {
    const watcher = new Program(system.folder, ['sub', 'jamey/memory/updates', '--count', '1', '--json'])
    await watcher.prints(/subscribed/i)
    await run('remember', 'An announced memory', '--shared')
    const { stdout } = await watcher.ended()
    expect(stdout).toContain('An announced memory')
  })

  it('is reached over HTTP, idempotently', async () => {
    const key = { 'idempotency-key': '6b8f1c9e-4d1f-4f43-9d0b-2f6a3c1e5a77' }
    const first = await post(
      '/v1/memories',
      { content: 'Stored over HTTP, quixotically', layer: 'semantic' },
      key,
    )
    const again = await post(
      '/v1/memories',
      { content: 'Stored over HTTP, quixotically', layer: 'semantic' },
      key,
    )
    expect([first.ok, again.ok]).toEqual([true, true])
    expect(await first.json()).toMatchObject({ created: true })
    expect(await again.json()).toMatchObject({ created: false })
    const found = (await (await fetch(`${system.http}/v1/memories?q=quixotically`)).json()) as {
      total: number
    }
    expect(found.total).toBe(1)
  })

  it('forgets', async () => {
    await run('remember', '--tag', 'fleeting', 'A secret about zeppelins')
    expect((await run('forget', '--tag', 'fleeting')).code).toBe(0)
    expect(await json('recall', 'zeppelins')).toMatchObject({ total: 0 })
  })
})

describe('HTTP', () => {
  it('is alive and ready', async () => {
    expect((await fetch(`${system.http}/healthz`)).status).toBe(200)
    expect((await fetch(`${system.http}/readyz`)).status).toBe(200)
  })

  it('names the field of bad input', async () => {
    const missing = await post('/v1/conscience/evaluate', { context: {} })
    expect(missing.status).toBe(400)
    expect(JSON.stringify(await missing.json())).toContain('action')
    const wrong = await post('/v1/memories', { content: 'x', layer: 'dreams' })
    expect(wrong.status).toBe(400)
    expect(JSON.stringify(await wrong.json())).toContain('layer')
    expect((await post('/v1/memories', '{"content": ')).status).toBe(400)
  })

  it('refuses a bad token with 401', async () => {
    const response = await post(
      '/v1/conscience/evaluate',
      { action: 'x' },
      { authorization: 'Bearer nonsense' },
    )
    expect(response.status).toBe(401)
  })
})

describe('plain messages', () => {
  it('are published and received on any topic, with the QoS asked for', async () => {
    const watcher = new Program(system.folder, ['sub', 'jamey/test/+', '--count', '2', '--raw', '--qos', '2'])
    await watcher.prints(/subscribed/i)
    expect((await run('pub', 'jamey/test/a', 'one', '--qos', '2')).code).toBe(0)
    expect((await jamey(system.folder, ['pub', 'jamey/test/b', '-', '--qos', '1'], 'two')).code).toBe(0)
    const { stdout } = await watcher.ended()
    expect(stdout.split('\n').filter(Boolean)).toEqual(['one', 'two'])
  })

  it('request an answer by topic', async () => {
    const { code, stdout } = await run(
      'request',
      'jamey/conscience/evaluate',
      '{"tool": "read_file", "arguments": {"path": "notes.md"}}',
      '--json',
    )
    expect(code).toBe(0)
    expect(stdout).toContain('reasons')
  })

  it('end with exit codes that tell refusal, time-out and absence apart', async () => {
    const refused = await run('pub', 'elsewhere/x', 'y')
    expect(refused.code).toBe(3)
    expect(refused.stderr).toContain('publish:elsewhere/x')
    const silent = await run('sub', 'jamey/test/silence', '--timeout', '0.2')
    expect(silent.code).toBe(4)
    const nobody = await run('request', 'jamey/test/nobody', 'x', '--raw')
    expect(nobody.code).toBe(5)
    expect((await run('pub')).code).toBe(2)
  })
})

describe('presence', () => {
  it('is retained for every component', async () => {
    const { stdout } = await run('sub', 'jamey/events/status/+', '--count', '3', '--json')
    for (const component of ['conscience', 'memory', 'gateway'])
      expect(stdout).toContain(`jamey-${component}`)
    expect(stdout).toContain('online')
  })
})

describe('heartbeats', () => {
  it('carry the metrics of the process of every component [promise 39]', async () => {
    const { code, stdout } = await run('sub', 'jamey/events/heartbeat', '--count', '6', '--json')
    expect(code).toBe(0)
    for (const component of ['conscience', 'memory', 'gateway']) expect(stdout).toContain(`"${component}"`)
    expect(stdout).toContain('event_loop_delay_p99_ms')
  })
})

describe('stopping', () => {
  it('drains and exits 0; the next start reuses what is there and still knows the memories', async () => {
    const ca = readFileSync(join(system.folder, '.jamey', 'certs', 'ca.crt'), 'utf8')
    await run('pub', 'jamey/test/kept', 'kept', '--retain', '--qos', '1')
    const { code } = await system.program.stop('SIGINT')
    expect(code).toBe(0)
    const away = await run('recall', 'lisbon')
    // Nothing runs here any more; what else may listen at the default port is not ours and not trusted.
    expect(away.code).not.toBe(0)
    expect(away.stderr).toMatch(/jamey\.js up|certificate/)
    await system.program.ended()
    system = await startSystem(system.folder)
    const { stdout: kept } = await run('sub', 'jamey/test/kept', '--count', '1', '--raw')
    expect(kept).toBe('kept\n')
    expect(readFileSync(join(system.folder, '.jamey', 'certs', 'ca.crt'), 'utf8')).toBe(ca)
    expect((await run('recall', 'lisbon')).stdout).toContain('We met in Lisbon in May')
  })
})
