import { readCertificates } from '../certificates/certificate-folder.js'
import type { HostName } from '../certificates/certificate-name.js'
import { AcmeError } from '../support/errors.js'
import { type AcmeAnswer, type AcmeSession, problemOf, urlIn } from './acme-session.js'
import type { HttpChallenges } from './http-challenges.js'

/** Time between two looks at what the server works on, where it does not say itself. */
const POLL_MS = 1_000
const MAXIMUM_POLL_MS = 30_000
const MAXIMUM_POLLS = 60

export interface OrderOptions {
  readonly hosts: readonly HostName[]
  /** A certificate request (PKCS #10) in DER. */
  readonly request: Uint8Array
  readonly challenges: Pick<HttpChallenges, 'publish' | 'withdraw'>
  readonly wait: (delayMs: number) => Promise<void>
}

/** One order from its beginning to the certificate with its chain, PEM. Throws `AcmeError`. RFC 8555 section 7.4 */
export async function fulfilOrder(session: AcmeSession, options: OrderOptions): Promise<string> {
  const { hosts, request, wait } = options
  const identifiers = hosts.map(({ type, value }) => ({ type, value }))
  const made = await session.post(session.url('newOrder'), { identifiers })
  const { location } = made
  if (location === undefined)
    throw new AcmeError('acme-refused', 'the ACME server names no order in Location')
  for (const url of listOf(made.json['authorizations'])) await authorize(session, url, options)
  const ready = await settled(session, location, ['ready', 'valid'], wait)
  if (ready.json['status'] === 'ready') {
    await session.post(urlIn(ready.json, 'finalize'), { csr: Buffer.from(request).toString('base64url') })
  }
  const valid = await settled(session, location, ['valid'], wait)
  const { text } = await session.post(
    urlIn(valid.json, 'certificate'),
    undefined,
    'application/pem-certificate-chain',
  )
  readCertificates(text)
  return text
}

async function authorize(session: AcmeSession, url: string, options: OrderOptions): Promise<void> {
  const { json } = await session.post(url, undefined)
  if (json['status'] === 'valid') return
  const challenge = listOf<Readonly<Record<string, unknown>>>(json['challenges']).find(
    ({ type }) => type === 'http-01',
  )
  const token = challenge?.['token']
  if (challenge === undefined || typeof token !== 'string') {
    throw new AcmeError('acme-refused', `the ACME server offers no challenge http-01 for ${nameOf(json)}`)
  }
  options.challenges.publish(token, await session.keyAuthorization(token))
  try {
    await session.post(urlIn(challenge, 'url'), {})
    await settled(session, url, ['valid'], options.wait)
  } finally {
    options.challenges.withdraw(token)
  }
}

/** Asks until `url` has one of these states. Throws `AcmeError` for one that does not lead there. */
async function settled(
  session: AcmeSession,
  url: string,
  states: readonly string[],
  wait: OrderOptions['wait'],
): Promise<AcmeAnswer> {
  for (let polls = 0; polls < MAXIMUM_POLLS; polls++) {
    const answer = await session.post(url, undefined)
    const status = String(answer.json['status'])
    if (states.includes(status)) return answer
    if (!['pending', 'processing', 'ready'].includes(status)) throw failed(answer, status)
    await wait(Math.min((answer.retryAfterSeconds ?? 0) * 1000 || POLL_MS, MAXIMUM_POLL_MS))
  }
  throw new AcmeError(
    'acme-late',
    `the ACME server has not come to ${states.join(' or ')} after ${MAXIMUM_POLLS} questions`,
  )
}

function failed({ json }: AcmeAnswer, status: string): AcmeError {
  const challenges = listOf<Readonly<Record<string, unknown>>>(json['challenges'])
  const error = json['error'] ?? challenges.find((one) => one['error'] !== undefined)?.['error'] ?? {}
  const said = problemOf({ json: error as Readonly<Record<string, unknown>>, status: 0 })
  const why = said === 'HTTP status 0' ? '' : `: ${said}`
  return new AcmeError('acme-challenge-failed', `the ACME server says ${status} of ${nameOf(json)}${why}`)
}

function nameOf(json: Readonly<Record<string, unknown>>): string {
  const { value } = (json['identifier'] ?? {}) as { value?: unknown }
  return typeof value === 'string' ? JSON.stringify(value) : 'the order'
}

function listOf<T = string>(value: unknown): readonly T[] {
  return Array.isArray(value) ? value : []
}
