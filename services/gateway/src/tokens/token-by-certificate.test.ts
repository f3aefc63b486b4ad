import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request as plainRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect as connectTcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import {
  type Authority,
  type ClientEntry,
  createAuthority,
  type IssuedCertificate,
  issueClientCertificate,
  issueServerCertificate,
  RemoteTokenSource,
  Revocations,
  TokenVerifier,
} from '@jamey/auth'
import { type Logger, pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { type RunningFixture, SECRET, startGateway } from '../service/gateway.support.js'

const ENTRY: ClientEntry = {
  clientId: 'robot-7',
  permissions: ['publish:lab/#'],
  lifetimeSeconds: 60,
  secrets: [],
}
const WITH_SECRET = 'robot-8'
const clients = {
  authenticate: async (clientId: string, secret: string) =>
    clientId === WITH_SECRET && secret === 'right' ? { ...ENTRY, clientId } : undefined,
  certified: async (clientId: string) =>
    clientId === 'robot-7' || clientId === 'revoked' ? { ...ENTRY, clientId } : undefined,
}
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const GRANT = 'grant_type=client_credentials'

const lines: string[] = []
const log: Logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) })
const audit = () => lines.map((line) => JSON.parse(line)).filter(({ outcome }) => outcome !== undefined)

let folder: string
let authority: Authority
let server: IssuedCertificate
let robot: IssuedCertificate
let other: IssuedCertificate
let revoked: IssuedCertificate
let foreign: IssuedCertificate
let denied: Revocations
let running: RunningFixture

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-certificate-'))
  authority = await createAuthority()
  server = await issueServerCertificate(authority, { hosts: ['127.0.0.1'] })
  const issue = (commonName: string, by = authority) => issueClientCertificate(by, { commonName })
  ;[robot, other, revoked] = [await issue('robot-7'), await issue(WITH_SECRET), await issue('revoked')]
  foreign = await issue('robot-7', await createAuthority())
  denied = await Revocations.open({
    crlFiles: [revocationListOf(folder, authority, revoked)],
    authorities: [authority.certPem],
  })
})

afterAll(() => {
  denied.stop()
  rmSync(folder, { recursive: true })
})

/** As an authority publishes it, made by OpenSSL. */
function revocationListOf(
  at: string,
  { certPem, keyPem }: Authority,
  certificate: IssuedCertificate,
): string {
  const lines = ['[ca]', 'default_ca=d', '[d]', 'dir=.', 'database=index.txt', 'crlnumber=crlnumber']
  const more = ['new_certs_dir=new', 'certificate=ca.crt', 'private_key=ca.key', 'default_md=sha256']
  mkdirSync(join(at, 'new'))
  const files = { 'ca.crt': certPem, 'ca.key': keyPem, 'index.txt': '', crlnumber: '01' }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(at, name), text)
  writeFileSync(join(at, 'revoked.crt'), certificate.certPem)
  writeFileSync(join(at, 'ca.cnf'), [...lines, ...more, 'default_crl_days=30'].join('\n'))
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: at, stdio: 'pipe' })
  openssl('ca', '-config', 'ca.cnf', '-revoke', 'revoked.crt')
  openssl('ca', '-config', 'ca.cnf', '-gencrl', '-out', 'ca.crl')
  return join(at, 'ca.crl')
}

function start(more: Parameters<typeof startGateway>[0] = {}) {
  const tls = { cert: server.certPem, key: server.keyPem, clientCa: authority.certPem }
  return startGateway({ clients, tokenSecret: SECRET, denied, tls, log, ...more })
}

beforeEach(async () => {
  lines.length = 0
  running = await start()
})

afterEach(() => running.gateway.stop())

interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
}

/** Asks for a token, showing `certificate`. */
async function ask(
  certificate: IssuedCertificate | undefined,
  { url = running.url, body = GRANT, headers = {} }: { url?: string; body?: string; headers?: object } = {},
): Promise<Answer> {
  const shown = certificate && { cert: certificate.certPem, key: certificate.keyPem }
  const options = { ca: authority.certPem, method: 'POST', headers: { ...FORM, ...headers }, agent: false }
  return new Promise((resolve, reject) => {
    const sent = httpsRequest(`${url}/v1/token`, { ...options, ...shown }, async (answer) => {
      const chunks: Buffer[] = []
      for await (const chunk of answer) chunks.push(chunk)
      resolve({ status: answer.statusCode ?? 0, body: JSON.parse(Buffer.concat(chunks).toString()) })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

const sourceOf = (subject: string, { certPem: cert, keyPem: key }: IssuedCertificate) =>
  new RemoteTokenSource({
    url: `${running.url}/v1/token`,
    ca: authority.certPem,
    subject,
    certificate: { cert, key },
  })

describe('POST /v1/token with a client certificate', () => {
  it('issues a token for it to the client that it names, and no secret is sent [promise 22]', async () => {
    expect(running.url).toMatch(/^https:/)
    const { token } = await sourceOf('robot-7', robot).current()
    const claims = await new TokenVerifier({ secret: SECRET }).verify(token)
    expect(claims).toMatchObject({ sub: 'robot-7', permissions: ['publish:lab/#'] })
    expect(audit()).toMatchObject([
      { client_id: 'robot-7', by: 'certificate', outcome: 'issued', jti: claims.jti, address: '127.0.0.1' },
    ])
    // The name may be left out, as the certificate has it.
    expect(await ask(robot)).toMatchObject({ status: 200, body: { scope: 'publish:lab/#' } })
    expect(await ask(robot, { body: `${GRANT}&scope=%23` })).toMatchObject({
      body: { error: 'invalid_scope' },
    })
  })

  it.each<[string, () => IssuedCertificate | undefined, string, string]>([
    ['none', () => undefined, '', 'client_id and client_secret are needed'],
    ['one of another authority', () => foreign, '', 'is not accepted: '],
    ['one that is revoked', () => revoked, '', 'The client is not known'],
    ['that of another client', () => other, '&client_id=robot-7', 'is of "robot-8", and not of'],
    ['that of a client with a secret, and no secret', () => other, '', 'The client is not known'],
    [
      'that of another client beside the secret',
      () => robot,
      `&client_id=${WITH_SECRET}&client_secret=right`,
      'is of "robot-7", and not of',
    ],
  ])('issues none for %s, and says so in the log', async (_, certificate, more, detail) => {
    const answer = await ask(certificate(), { body: GRANT + more })
    expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
    expect(answer.body['error_description']).toContain(detail)
    const refused = audit().filter(({ outcome }) => outcome === 'refused')
    expect(refused.length).toBe(certificate() === undefined ? 0 : 1)
    for (const line of refused) expect(line.detail).toContain(detail)
  })

  it('takes a secret as ever, with the certificate of the same client or none', async () => {
    const body = `${GRANT}&client_id=${WITH_SECRET}&client_secret=right`
    expect((await ask(undefined, { body })).status).toBe(200)
    expect((await ask(other, { body })).status).toBe(200)
  })

  it('does not take the certificate of a proxy for that of whose call it passes on', async () => {
    const passed = { headers: { 'x-forwarded-for': '203.0.113.9' } }
    expect(await ask(robot, passed)).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
  })

  it('issues none for a certificate whose time has ended', async () => {
    const validity = { now: () => Date.now() - 3 * 86_400_000, validityDays: 1 }
    const late = await issueClientCertificate(authority, { commonName: 'robot-7', ...validity })
    expect((await ask(late)).body['error_description']).toContain('CERT_HAS_EXPIRED')
  })

  it('bounds wrong certificates for each address, and a right one counts for nothing of it', async () => {
    const statuses: number[] = []
    for (let i = 0; i < 12; i++)
      statuses.push((await ask(other, { body: `${GRANT}&client_id=robot-7` })).status)
    expect(statuses).toEqual([...Array(10).fill(401), 429, 429])
    for (let i = 0; i < 12; i++) expect((await ask(other)).status).toBe(i < 10 ? 401 : 429)
  })

  it('is told to the client as what it is, and a certificate is shown over TLS alone', async () => {
    await expect(sourceOf('robot-7', foreign).current()).rejects.toMatchObject({
      code: 'token-issuer-refused',
      message: expect.stringContaining('compare client identifier and certificate'),
    })
    const { certPem: cert, keyPem: key } = robot
    const plain = { url: 'http://127.0.0.1/v1/token', subject: 'robot-7', certificate: { cert, key } }
    expect(() => new RemoteTokenSource(plain)).toThrow('is without TLS')
  })
})

describe('a gateway that serves HTTPS', () => {
  it('speaks TLS 1.3 and nothing less', async () => {
    const { port } = running
    const old = connectTls({ host: '127.0.0.1', port, ca: authority.certPem, maxVersion: 'TLSv1.2' })
    await expect(once(old, 'secureConnect')).rejects.toMatchObject({
      code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    })
    const plain = connectTcp({ host: '127.0.0.1', port })
    plain.end('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    const heard: Buffer[] = []
    plain.on('data', (chunk: Buffer) => heard.push(chunk))
    await once(plain, 'close')
    expect(Buffer.concat(heard).toString('latin1')).not.toContain('HTTP/1.1')
  })

  it('asks for no certificate where no authority is named', async () => {
    const tls = { cert: server.certPem, key: server.keyPem }
    const without = await start({ tls })
    onTestFinished(() => without.gateway.stop())
    expect(await ask(robot, { url: without.url })).toMatchObject({ status: 401 })
  })

  it('serves its Unix socket without TLS', async () => {
    const socketPath = join(folder, 'http.sock')
    const withSocket = await start({ socketPath })
    onTestFinished(() => withSocket.gateway.stop())
    const sent = plainRequest({ socketPath, path: '/healthz', headers: { host: 'localhost' }, agent: false })
    sent.end()
    const [answer] = await once(sent, 'response')
    expect(answer.statusCode).toBe(200)
    answer.destroy()
  })

  it('stops while somebody keeps a handshake open', async () => {
    const silent = connectTcp({ host: '127.0.0.1', port: running.port })
    await once(silent, 'connect')
    const closed = once(silent, 'close')
    await running.gateway.stop({ graceMs: 50 })
    await closed
  })

  it('says what is wrong with its certificate', async () => {
    const tls = { cert: server.certPem, key: robot.keyPem }
    await expect(start({ tls })).rejects.toMatchObject({ name: 'GatewayError', code: 'tls-unusable' })
  })
})
