import { chmodSync, copyFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { TestFolder } from '../install/test-folder.support.js'
import { checkCertificates, checkClock, checkDirectory, checkNode, checkPortFree } from './health-checks.js'

const at = new TestFolder()

describe('the doctor', () => {
  it('finds nothing wrong with a new folder', async () => {
    await at.install()
    const findings = [
      ...(await checkDirectory(at.directory, at.path)),
      ...checkCertificates(at.directory, new Date(), at.path),
      checkNode(process.version),
    ]
    expect(findings.filter(({ status }) => status !== 'ok')).toEqual([])
    expect(findings.length).toBeGreaterThanOrEqual(8)
  })

  it('gives a way out for everything that is wrong', async () => {
    await at.install()
    chmodSync(at.directory.serverKey, 0o644)
    rmSync(at.directory.secret)
    const late = new Date(Date.now() + 380 * 86_400_000)
    const early = new Date(Date.now() - 86_400_000)
    const findings = [
      ...(await checkDirectory(at.directory, at.path)),
      ...checkCertificates(at.directory, late, at.path),
      ...checkCertificates(at.directory, early, at.path),
      checkNode('v18.0.0'),
      checkClock(new Date(0).toUTCString(), new Date(60_000)),
    ].filter(({ status }) => status === 'failed')
    const told = findings.map(({ check, message }) => `${check}: ${message}`).join('\n')
    for (const part of ['mode 0644', 'token secret', 'ended', 'begins only', 'v18.0.0', '60 s ahead']) {
      expect(told).toContain(part)
    }
    expect(findings.every(({ hint }) => (hint ?? '') !== '')).toBe(true)
  })

  it('sees a damaged certificate, a missing key and a foreign one, and all that is well beside them', async () => {
    await at.install()
    writeFileSync(at.directory.serverCertificate, 'nonsense')
    rmSync(at.directory.clientKey('jamey-memory'))
    copyFileSync(at.directory.clientKey('jamey-gateway'), at.directory.clientKey('jamey-conscience'))
    const findings = checkCertificates(at.directory, new Date(), at.path)
    const told = new Map(findings.map(({ check, message }) => [check.replace(/.*\//, ''), message]))
    expect(told.get('server.crt')).toContain('server.crt is damaged')
    expect(told.get('jamey-memory.crt')).toContain('jamey-memory.key is missing')
    expect(told.get('jamey-conscience.crt')).toContain('does not belong to')
    expect(told.get('jamey-gateway.crt')).toContain('days left')
    expect(told.get('ca.crt')).toContain('days left')
    rmSync(at.directory.caCertificate)
    const without = checkCertificates(at.directory, new Date(), at.path)
    expect(without.find(({ check }) => check.endsWith('ca.crt'))?.message).toContain('ca.crt is missing')
    expect(without.find(({ check }) => check.endsWith('jamey-gateway.crt'))?.status).toBe('ok')
  })

  it('tells one cause once: who reads the token secret checks its mode', async () => {
    await at.install()
    chmodSync(at.directory.secret, 0o644)
    const wrong = (await checkDirectory(at.directory, at.path)).filter(({ status }) => status !== 'ok')
    expect(wrong).toMatchObject([{ check: 'token secret', message: expect.stringContaining('mode 0644') }])
  })

  it('tells a free port from a taken one', async () => {
    const server = createServer()
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
    })
    expect(await checkPortFree('broker', '127.0.0.1', port, '--port')).toMatchObject({ status: 'warning' })
    await new Promise((resolve) => server.close(resolve))
    expect(await checkPortFree('broker', '127.0.0.1', port, '--port')).toMatchObject({ status: 'ok' })
  })
})
