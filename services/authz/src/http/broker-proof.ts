import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

/** The proof that a broker asks. */
export interface BrokerProof {
  /** Several while one takes the place of another. */
  readonly secrets: readonly string[]
  /** The common names of the client certificates of brokers; undefined where none is asked for. */
  readonly certificateNames: readonly string[] | undefined
}

const BEARER = /^Bearer +([\x21-\x7e]+)$/i
const BASIC = /^Basic +([A-Za-z0-9+/]+={0,2})$/i

/**
 * Whether a broker sent this: by the secret that is shared with it, `Bearer <secret>`, or as the password of `Basic`,
 * which is what a URL with `user:secret@` becomes where a broker sends no header; and by its certificate, where one is
 * expected.
 */
export function isOfBroker(request: IncomingMessage, proof: BrokerProof): boolean {
  const { secrets, certificateNames } = proof
  if (headerCount(request, 'authorization') !== 1) return false
  const shown = digest(secretIn(request.headers.authorization ?? ''))
  // Each is compared, so that the time says nothing about which.
  const isKnown = secrets.map((secret) => timingSafeEqual(shown, digest(secret))).includes(true)
  return isKnown && (certificateNames === undefined || isNamed(request.socket, certificateNames))
}

/** Node joins or drops what is there twice. */
export function headerCount({ rawHeaders }: IncomingMessage, name: string): number {
  return rawHeaders.filter((text, i) => i % 2 === 0 && text.toLowerCase() === name).length
}

function secretIn(authorization: string): string {
  const bearer = BEARER.exec(authorization)?.[1]
  if (bearer !== undefined) return bearer
  const basic = Buffer.from(BASIC.exec(authorization)?.[1] ?? '', 'base64').toString()
  return basic.slice(basic.indexOf(':') + 1)
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function isNamed(socket: Socket | TLSSocket, names: readonly string[]): boolean {
  if (!('getPeerCertificate' in socket) || !socket.authorized) return false
  const { subject }: Partial<ReturnType<TLSSocket['getPeerCertificate']>> = socket.getPeerCertificate()
  const name: unknown = subject?.CN
  return typeof name === 'string' && names.includes(name)
}
