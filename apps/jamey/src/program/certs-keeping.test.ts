import { existsSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { readCertificates } from '@jamey/auth/authority'
import { describe, expect, it } from 'vitest'
import { TestFolder } from '../install/test-folder.support.js'
import { runCommand } from './run-command.support.js'

const at = new TestFolder()
const run = (...args: string[]) => runCommand(at.path, ['certs', ...args])
const certificates = (...names: string[]) => join(at.path, '.jamey/certs', ...names)
const json = (text: string) => JSON.parse(text) as Record<string, unknown>

describe('certs', () => {
  it('init makes all that a system needs, for its hosts, and does nothing the second time', async () => {
    const first = await run('init', '--host', 'hub.example.org', '--json')
    expect(first.code).toBe(0)
    expect(json(first.stdout)['written']).toContain('jamey-gateway.crt')
    expect(json(first.stdout)['hosts']).toContain('hub.example.org')
    expect(existsSync(join(at.path, '.jamey/token-secret'))).toBe(true)
    expect((await run('init')).stdout).toMatch(/^nothing to do: .jamey has an authority, good for .*hub/)
  })

  it('list says what `certs` says', async () => {
    await run('init')
    expect((await run('list')).stdout).toBe((await run()).stdout)
  })

  it('renew issues again what ends within the time, and says what it cannot', async () => {
    await run('init')
    expect((await run('renew')).stdout).toContain('nothing to do')
    const all = await run('renew', '--within', '366d', '--json')
    expect(json(all.stdout)).toEqual({
      written: ['jamey-conscience.crt', 'jamey-gateway.crt', 'jamey-memory.crt', 'server.crt'],
      faults: [],
    })
    expect((await run('renew', 'server', '--within', '366d')).stdout).toContain('certs: server.crt')
    expect((await run('renew', 'nobody')).stderr).toContain('there is nothing to renew')
    renameSync(certificates('ca.key'), join(at.path, 'ca.key'))
    expect(await run('renew')).toMatchObject({ code: 0 })
    const without = await run('renew', 'server', '--within', '366d')
    expect(without).toMatchObject({ code: 1, stderr: expect.stringContaining('ca.key is missing') })
  })

  it('revoke lists a certificate, moves the files of a client, and issues anew what the system needs', async () => {
    await run('init', '--host', 'hub.example.org')
    await run('issue', 'robot-7')
    const robot = await run('revoke', 'robot-7', '--reason', 'keyCompromise')
    expect(robot.stdout).toMatch(
      /^revoked robot-7 \(serial \w+\) in .jamey\/certs\/crl.pem\nmoved robot-7.key, /,
    )
    expect(existsSync(certificates('robot-7.crt'))).toBe(false)
    expect(readFileSync(certificates('crl.pem'), 'utf8')).toContain('BEGIN X509 CRL')
    const server = json((await run('revoke', 'server', '--json')).stdout)
    expect(server['written']).toEqual(['server.key', 'server.crt'])
    const [issued] = readCertificates(readFileSync(certificates('server.crt'), 'utf8'))
    expect(issued?.checkHost('hub.example.org')).toBeDefined()
    expect(json((await run('revoke', 'jamey-memory', '--json')).stdout)['written']).toHaveLength(2)
    expect(await run('revoke', 'robot-7')).toMatchObject({ code: 1 })
    expect((await run('revoke', 'server', '--reason', 'boredom')).stderr).toContain(
      'expected one of unspecified, ',
    )
  })

  it('revoke takes a certificate file, too', async () => {
    await run('init')
    await run('issue', 'robot-7')
    for (const end of ['crt', 'key'])
      renameSync(certificates(`robot-7.${end}`), join(at.path, `robot.${end}`))
    expect((await run('revoke', 'robot.crt', '--json')).code).toBe(0)
    expect(existsSync(join(at.path, 'robot.crt'))).toBe(true)
  })

  it('rotate-ca goes in three steps, each of which says the next', async () => {
    await run('init')
    expect((await run('rotate-ca', '--finish')).stderr).toContain('has not begun')
    expect((await run('rotate-ca')).stdout).toContain('rotate-ca --switch')
    expect(json((await run('rotate-ca', '--switch', '--json')).stdout)['stage']).toBe('switched')
    expect((await run('rotate-ca', '--finish')).stdout).toContain('the former authority is trusted no more')
    expect((await run('rotate-ca', '--switch', '--finish')).code).toBe(2)
    const [one, ...more] = readCertificates(readFileSync(certificates('ca.crt'), 'utf8'))
    expect([one?.subject, more]).toEqual(['CN=Jamey certificate authority 2', []])
  })
})
