import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  createAuthority,
  type IssuedCertificate,
  issueClientCertificate,
  RemoteTokenSource,
} from '@jamey/auth'
import { connect } from '@jamey/mqtt'
import { freePort } from '@jamey/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { emptyFolder, jamey, Program, removeFolder, secretsOf } from '../e2e/program.js'

/** Gets its tokens for its certificate. */
const VICTIM = 'robot-7'
/** Gets its tokens for a secret, and has a certificate for the broker besides. */
const CAREFUL = 'robot-8'
const RIGHTS = ['--permission', 'publish:lab/#']

let folder: string
let program: Program
let url: string
let port: number
let ca: string
const certificates = new Map<string, IssuedCertificate>()

/** `jamey up` that serves HTTPS and asks for client certificates, with the authority and the clients it made. */
beforeAll(async () => {
  folder = emptyFolder()
  await run('certs', 'issue', '--server', '--host', '127.0.0.1', '--data-dir', '.jamey')
  for (const name of [VICTIM, CAREFUL, 'attacker', 'stolen']) {
    await run('certs', 'issue', name)
    certificates.set(name, pairAt(join(folder, '.jamey', 'certs', name)))
  }
  await run('client', 'add', VICTIM, ...RIGHTS, '--certificate')
  await run('client', 'add', CAREFUL, ...RIGHTS)
  await run('client', 'add', 'stolen', ...RIGHTS, '--certificate')
  revoke('stolen')
  const httpPort = await freePort()
  port = await freePort()
  program = new Program(folder, ['up', '--port', `${port}`, '--http-port', `${httpPort}`], {
    JAMEY_HTTP_CERT: '.jamey/certs/server.crt',
    JAMEY_HTTP_KEY: '.jamey/certs/server.key',
    JAMEY_HTTP_CA: '.jamey/certs/ca.crt',
    JAMEY_HTTP_CRL: 'ca.crl',
  })
  await program.prints(/Ctrl-C/)
  ca = secretsOf(folder).ca
  url = `https://127.0.0.1:${httpPort}/v1/token`
}, 60_000)

afterAll(async () => {
  await program?.stop()
  removeFolder(folder)
})

async function run(...args: string[]): Promise<void> {
  expect(await jamey(folder, args)).toMatchObject({ code: 0 })
}

function pairAt(path: string): IssuedCertificate {
  return { certPem: readFileSync(`${path}.crt`, 'utf8'), keyPem: readFileSync(`${path}.key`, 'utf8') }
}

/** The authority's revocation list, with this certificate on it. */
function revoke(name: string): void {
  const certs = join('.jamey', 'certs')
  mkdirSync(join(folder, 'issued'))
  const settings = {
    dir: '.',
    database: 'index.txt',
    crlnumber: 'crlnumber',
    new_certs_dir: 'issued',
    certificate: join(certs, 'ca.crt'),
    private_key: join(certs, 'ca.key'),
    default_md: 'sha256',
    default_crl_days: '30',
  }
  const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}`)
  writeFileSync(join(folder, 'ca.cnf'), ['[ca]', 'default_ca=d', '[d]', ...lines].join('\n'))
  writeFileSync(join(folder, 'index.txt'), '')
  writeFileSync(join(folder, 'crlnumber'), '01')
  const openssl = (...args: string[]) =>
    execFileSync('openssl', ['ca', '-config', 'ca.cnf', ...args], { cwd: folder, stdio: 'pipe' })
  openssl('-revoke', join(certs, `${name}.crt`))
  openssl('-gencrl', '-out', 'ca.crl')
}

function ask(subject: string, certificate: IssuedCertificate | undefined) {
  if (certificate === undefined) throw new Error('the certificate was not issued')
  const { certPem: cert, keyPem: key } = certificate
  return new RemoteTokenSource({ url, ca, subject, certificate: { cert, key } }).current()
}

const REFUSED = { code: 'token-issuer-refused', message: expect.stringContaining('invalid_client') }

describe('over HTTPS, a client certificate', () => {
  it('brings its own client a token, with which the broker lets it in', async () => {
    const { token } = await ask(VICTIM, certificates.get(VICTIM))
    const client = await connect({
      url: `mqtts://127.0.0.1:${port}`,
      clientId: VICTIM,
      tls: { ca },
      credentials: { username: VICTIM, password: token },
      reconnect: false,
    })
    expect((await client.publish('lab/x', 'm', { qos: 1 })).reasonCode).toBeLessThan(0x80)
    await client.close()
  })

  it('of another authority brings none, whatever its name', async () => {
    const own = await createAuthority({ commonName: 'Jamey certificate authority' })
    await expect(
      ask(VICTIM, await issueClientCertificate(own, { commonName: VICTIM })),
    ).rejects.toMatchObject(REFUSED)
  })

  it('that is revoked brings none', async () => {
    await expect(ask('stolen', certificates.get('stolen'))).rejects.toMatchObject(REFUSED)
  })

  it('of one client brings none for another', async () => {
    await expect(ask(VICTIM, certificates.get('attacker'))).rejects.toMatchObject(REFUSED)
    await expect(ask('attacker', certificates.get('attacker'))).rejects.toMatchObject(REFUSED)
  })

  it('brings none to a client that is to have a secret', async () => {
    await expect(ask(CAREFUL, certificates.get(CAREFUL))).rejects.toMatchObject(REFUSED)
  })

  it('brings none once its client is denied', async () => {
    await run('deny', 'add', '--sub', VICTIM)
    const outcome = () =>
      ask(VICTIM, certificates.get(VICTIM)).then(
        () => 'a token',
        (error: { code: string }) => error.code,
      )
    await expect.poll(outcome, { timeout: 10_000, interval: 300 }).toBe('token-issuer-refused')
  })
})
