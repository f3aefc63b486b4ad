import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { type Authority, createAuthority, issueServerCertificate, Revocations } from '@jamey/auth'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { type RunningFixture, startGateway } from './gateway.support.js'
import { keepTlsLive } from './live-tls.js'

let folder: string
let authority: Authority
let running: RunningFixture
let live: { stop(): void }
const said: string[] = []
const log = {
  info: (_: object, text: string) => void said.push(text),
  error: (_: object, text: string) => void said.push(text),
} as never

async function replace(): Promise<string> {
  const issued = await issueServerCertificate(authority, { hosts: ['127.0.0.1'] })
  writeFileSync(join(folder, 'server.key'), issued.keyPem)
  writeFileSync(join(folder, 'server.crt'), issued.certPem)
  return new X509Certificate(issued.certPem).fingerprint256
}

const read = () => ({
  cert: readFileSync(join(folder, 'server.crt'), 'utf8'),
  key: readFileSync(join(folder, 'server.key'), 'utf8'),
})

/** What one call saw: the certificate of its connection, and whether that was open before. */
function call(agent: Agent): Promise<{ fingerprint: string; isReused: boolean; status: number }> {
  return new Promise((resolve, reject) => {
    const sent = request(`${running.url}/healthz`, { agent, ca: authority.certPem }, (answer) => {
      const socket = answer.socket as TLSSocket
      const fingerprint = socket.getPeerX509Certificate()?.fingerprint256 ?? ''
      answer.resume().on('end', () => {
        resolve({ fingerprint, isReused: sent.reusedSocket, status: answer.statusCode ?? 0 })
      })
    })
    sent.on('error', reject).end()
  })
}

const served = async (): Promise<string> => (await call(new Agent({ maxCachedSessions: 0 }))).fingerprint

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-live-tls-'))
  authority = await createAuthority()
  await replace()
  const tls = read()
  running = await startGateway({ tls })
  const denied = await Revocations.open({})
  live = keepTlsLive({
    files: [join(folder, 'server.crt'), join(folder, 'server.key')],
    ...{ tls, read, gateway: running.gateway, denied, lists: {}, log },
  })
})

afterEach(() => {
  said.length = 0
})

afterAll(async () => {
  live.stop()
  await running.gateway.stop()
  rmSync(folder, { recursive: true })
})

it('serves a certificate that was renewed, and ends no connection', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const before = await call(agent)
  const renewed = await replace()
  expect(before.fingerprint).not.toBe(renewed)
  await expect.poll(served, { timeout: 5_000 }).toBe(renewed)
  expect(await call(agent)).toMatchObject({ isReused: true, status: 200 })
  expect(said).toEqual(['certificates were read again; new connections have them'])
  agent.destroy()
})

it('keeps what it had where the new cannot be used, and says so', async () => {
  const before = await served()
  writeFileSync(join(folder, 'server.crt'), 'no certificate')
  await expect.poll(() => said, { timeout: 5_000 }).toHaveLength(1)
  expect(said[0]).toContain('the old stay in force')
  expect(await served()).toBe(before)
  const next = await replace()
  await expect.poll(served, { timeout: 5_000 }).toBe(next)
})
