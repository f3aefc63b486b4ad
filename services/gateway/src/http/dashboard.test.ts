import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createGateway } from '../service/gateway.js'
import { call, FakeBus, type RunningFixture, startGateway } from '../service/gateway.support.js'

let folder: string
let running: RunningFixture

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jamey-dashboard-'))
  await mkdir(join(folder, 'page', 'assets', 'fonts'), { recursive: true })
  await writeFile(join(folder, 'secret.txt'), 'a secret')
  await writeFile(join(folder, 'page', 'index.html'), '<!doctype html><title>Jamey</title>')
  await writeFile(join(folder, 'page', 'LICENSES.txt'), 'not served')
  await writeFile(join(folder, 'page', 'assets', 'index-B3xZ01aQ.js'), 'run()')
  await writeFile(join(folder, 'page', 'assets', 'large-C4yA12bR.js'), 'run();'.repeat(1000))
  await writeFile(join(folder, 'page', 'assets', 'own-settings.css'), 'a {}')
  await writeFile(join(folder, 'page', 'assets', 'fonts', 'a.woff2'), 'f')
  await writeFile(join(folder, 'page', 'assets', 'tool.sh'), 'rm')
  await symlink(join(folder, 'page', 'assets', 'fonts'), join(folder, 'page', 'assets', 'linked.js'))
  running = await startGateway({ dashboard: join(folder, 'page') })
})

afterAll(async () => {
  await running.gateway.stop()
  await rm(folder, { recursive: true })
})

/** A request whose path no client has put in order. */
function rawGet(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(running.port, '127.0.0.1', () => {
      socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`)
    })
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk
    })
    socket.on('close', () => resolve(text))
    socket.on('error', reject)
  })
}

describe('the page at /', () => {
  const browser = { accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8' }

  it('is for browsers; everybody else gets the list of endpoints', async () => {
    const page = await call(`${running.url}/`, { headers: browser })
    expect(page).toMatchObject({ status: 200, text: '<!doctype html><title>Jamey</title>' })
    expect(page.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
      vary: 'accept, accept-encoding',
    })
    for (const accept of ['*/*', 'text/plain', undefined]) {
      const list = await call(`${running.url}/`, { headers: accept === undefined ? {} : { accept } })
      expect(list.headers['content-type']).toBe('text/plain; charset=utf-8')
      expect(list.text).toContain('GET     /v1/events')
    }
  })

  it('is compressed for those who take that, and has another validator then', async () => {
    const path = `${running.url}/assets/large-C4yA12bR.js`
    const plain = await fetch(path, { headers: { 'accept-encoding': 'gzip;q=0, identity' } })
    expect([plain.headers.get('content-encoding'), plain.headers.get('content-length')]).toEqual([
      null,
      '6000',
    ])
    const small = await fetch(path, { headers: { 'accept-encoding': 'br, gzip' } })
    expect(small.headers.get('content-encoding')).toBe('gzip')
    expect(Number(small.headers.get('content-length'))).toBeLessThan(200)
    expect(await small.text()).toBe(await plain.text())
    const etag = String(small.headers.get('etag'))
    expect(etag).not.toBe(plain.headers.get('etag'))
    expect((await fetch(path, { headers: { 'if-none-match': etag } })).status).toBe(304)
  })

  it('may load and run only what comes from here, and stand in no frame', async () => {
    for (const path of ['/', '/assets/index-B3xZ01aQ.js']) {
      const { headers } = await call(`${running.url}${path}`, { headers: browser })
      const policy = String(headers['content-security-policy'])
      expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'")
      expect(policy).toContain("base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
      expect(policy).not.toMatch(/unsafe|\*|https?:/)
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
      })
    }
  })

  it('is text alone where the gateway has no folder, and a folder without a page is told at the start', async () => {
    const bare = await startGateway()
    const { headers } = await call(`${bare.url}/`, { headers: browser })
    expect(headers['content-type']).toBe('text/plain; charset=utf-8')
    expect((await call(`${bare.url}/assets/index-B3xZ01aQ.js`)).status).toBe(404)
    await bare.gateway.stop()
    const gateway = createGateway({ port: 0, bus: new FakeBus().asBus(), dashboard: join(folder, 'none') })
    await expect(gateway.start()).rejects.toMatchObject({ code: 'dashboard-unusable' })
  })
})

describe('the files of the page', () => {
  it('are kept for good where their name has a hash, and asked about otherwise', async () => {
    const hashed = await call(`${running.url}/assets/index-B3xZ01aQ.js`)
    expect(hashed).toMatchObject({ status: 200, text: 'run()' })
    expect(hashed.headers).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
    })
    const named = await call(`${running.url}/assets/own-settings.css`)
    expect(named.headers['cache-control']).toBe('no-cache')
    const headers = { 'if-none-match': String(named.headers.etag) }
    expect((await call(`${running.url}/assets/own-settings.css`, { headers })).status).toBe(304)
    expect((await call(`${running.url}/assets/fonts/a.woff2`)).headers['content-type']).toBe('font/woff2')
  })

  it.each([
    '/assets/../index.html',
    '/assets/../../secret.txt',
    '/assets/..%2f..%2fsecret.txt',
    '/assets/%2e%2e/%2e%2e/secret.txt',
    '/assets/..\\..\\secret.txt',
    '/assets//etc/passwd',
    '/assets/%00',
    '/assets/index-B3xZ01aQ.js%00.png',
    '/assets/tool.sh',
    '/assets/fonts',
    '/assets/linked.js',
    '/assets/',
    '/LICENSES.txt',
    '/index.html',
    '/assets/__proto__',
  ])('are all there is: %s is not found', async (path) => {
    const answer = await rawGet(path)
    expect(answer).toMatch(/^HTTP\/1\.1 40[04] /)
    expect(answer).not.toContain('a secret')
  })
})
