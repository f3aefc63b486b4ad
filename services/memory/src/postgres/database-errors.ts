import { MemoryRefusedError, StorageError, type StorageErrorCode } from '../model/errors.js'

type Advice = readonly [StorageErrorCode, string]

const AWAY: Advice = ['storage-away', 'cannot be reached; it is tried again']
const REFUSED: Advice = ['storage-refused', 'does not let this user in, or do this']
const BUSY: Advice = ['storage-busy', 'is kept from it by other work; try again']
const UNTRUSTED: Advice = [
  'storage-refused',
  'shows no certificate that can be trusted; see sslmode and sslrootcert',
]

const NO_PASSWORD: Advice = ['storage-refused', 'does not take this password; see JAMEY_MEMORY_PASSWORD_FILE']

/** By SQLSTATE, or by its class, which is the first two characters. */
const BY_STATE: Readonly<Record<string, Advice>> = {
  '08': AWAY,
  '25P02': AWAY,
  '25P03': AWAY,
  '25006': ['storage-readonly', 'only reads: it is a standby, or set so'],
  '28': REFUSED,
  '28P01': NO_PASSWORD,
  '3D': ['storage-refused', 'does not exist; create it'],
  '40': BUSY,
  '42501': REFUSED,
  '53': BUSY,
  '53300': [
    'storage-busy',
    'has no connection left for this user; see its max_connections and CONNECTION LIMIT',
  ],
  '53100': ['storage-full', 'has no room left on its disk'],
  '55P03': BUSY,
  '57014': ['storage-busy', 'was kept from it for too long by other work; try again'],
  '57P01': AWAY,
  '57P02': AWAY,
  '57P03': AWAY,
  '57P05': AWAY,
  '58': ['storage-io', 'could not read or write its files; see its log'],
  XX: ['storage-damaged', 'is damaged, or met a fault of its own; see its log'],
}

const CERTIFICATE = /^(CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/

/** Turns what the driver throws into a `StorageError` that names the database; others pass unchanged. */
export function databaseErrorFrom(error: unknown, shown: string): unknown {
  if (!(error instanceof Error) || error instanceof StorageError) return error
  const state = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const advice = adviceFor(state, error)
  if (advice === undefined) return error
  const reason = state === '' ? error.message : `${state}: ${error.message}`
  return new StorageError(advice[0], `The memory database ${shown} ${advice[1]} (${reason}).`, error)
}

/** A question that took longer than it may is told so: asking the same again does not help. */
export function queryErrorFrom(error: unknown): unknown {
  if (!(error instanceof StorageError && isTimeout(error.cause))) return error
  const message =
    'the question took longer than JAMEY_MEMORY_QUERY_MS; ask for rarer words, or with more conditions.'
  return new MemoryRefusedError('memory-query-timeout', message)
}

function isTimeout(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === '57014'
}

function adviceFor(state: string, error: Error): Advice | undefined {
  if (CERTIFICATE.test(state)) return UNTRUSTED
  if ('syscall' in error || /^E[A-Z]+$/.test(state)) return AWAY
  if (/^[0-9A-Z]{5}$/.test(state)) {
    return BY_STATE[state] ?? BY_STATE[state.slice(0, 2)] ?? ['storage-failed', 'refused a statement']
  }
  if (/does not support SSL/.test(error.message)) return UNTRUSTED
  if (/password|SASL|SCRAM/.test(error.message)) return NO_PASSWORD
  // The driver's own, which have no code: ended, timed out, not queryable.
  if (/[Cc]onnection|[Tt]imeout|client/.test(error.message)) return AWAY
  return undefined
}
