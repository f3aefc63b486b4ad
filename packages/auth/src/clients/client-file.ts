import { codeOf, readSmallFile, writeWhole } from '../files/private-file.js'
import { Permissions } from '../permissions/permissions.js'
import { clientIdentifierFault, quote } from '../support/client-identifier.js'
import { ClientFileError, PermissionListError } from '../support/errors.js'
import { MAXIMUM_LIFETIME_SECONDS } from '../tokens/token.js'
import { isClientSecretHash } from './client-secret.js'

const MAXIMUM_BYTES = 16 * 1024 * 1024
const MAXIMUM_CLIENTS = 10_000
/** Number of secrets of one client: one in force, and one that is on its way out. */
const MAXIMUM_SECRETS = 2

/** A hashed secret, and until when it is taken. */
export interface HashedSecret {
  readonly hash: string
  /** Milliseconds since 1970; undefined: until it is replaced. */
  readonly untilMs: number | undefined
}

/** A client that gets its tokens for a secret of its own, or for its certificate. */
export interface ClientEntry {
  /** The client identifier: the `sub` of its tokens. */
  readonly clientId: string
  readonly permissions: readonly string[]
  /** Lifetime of its tokens; undefined: as the issuer has it. */
  readonly lifetimeSeconds: number | undefined
  readonly secrets: readonly HashedSecret[]
  /** True where its client certificate is enough, without a secret; false by default. */
  readonly byCertificate?: boolean | undefined
}

/** The clients in the file at `path`; none where there is no file. Throws `ClientFileError` that names file, client and field. */
export async function readClientFile(path: string): Promise<ClientEntry[]> {
  const finding = await readSmallFile(path, { isSecret: true, maximumBytes: MAXIMUM_BYTES })
  switch (finding.status) {
    case 'missing':
      return []
    case 'exposed':
      throw new ClientFileError(
        'client-file-exposed',
        `the client file ${path} has mode ${finding.mode}, so others may guess secrets or add clients; run: chmod 600 on it`,
      )
    case 'unreadable':
      throw new ClientFileError(
        'client-file-unreadable',
        `the client file ${path} cannot be read: ${finding.fault}`,
      )
    case 'read':
      return entriesIn(finding.text, path)
  }
}

/** Writes the file whole or not at all, mode 0600, without secrets that are taken no more. Throws `ClientFileError`. */
export async function writeClientFile(
  path: string,
  clients: readonly ClientEntry[],
  nowMs: number,
): Promise<void> {
  if (clients.length > MAXIMUM_CLIENTS) {
    const found = `the client file would have ${clients.length} clients`
    throw new ClientFileError('client-file-damaged', `${found}; expected at most ${MAXIMUM_CLIENTS}`)
  }
  const entries = clients.map(({ clientId, permissions, lifetimeSeconds, secrets, byCertificate }) => ({
    client_id: clientId,
    permissions,
    ...(byCertificate === true ? { certificate: true } : {}),
    ...(lifetimeSeconds === undefined ? {} : { lifetime_seconds: lifetimeSeconds }),
    secrets: secrets
      .filter(({ untilMs = Number.POSITIVE_INFINITY }) => untilMs > nowMs)
      .map(({ hash, untilMs }) =>
        untilMs === undefined ? { hash } : { hash, until: new Date(untilMs).toISOString() },
      ),
  }))
  try {
    await writeWhole(path, `${JSON.stringify(entries, undefined, 2)}\n`, { mode: 0o600 })
  } catch (error) {
    throw new ClientFileError(
      'client-file-unreadable',
      `the client file ${path} cannot be written: ${codeOf(error)}`,
    )
  }
}

function entriesIn(text: string, path: string): ClientEntry[] {
  let entries: unknown
  try {
    entries = JSON.parse(text)
  } catch {
    // Falls through, without what a parser would quote.
  }
  if (!Array.isArray(entries) || entries.length > MAXIMUM_CLIENTS) {
    const expected = `a JSON list of at most ${MAXIMUM_CLIENTS} clients, as \`jamey client add\` writes it`
    throw new ClientFileError(
      'client-file-damaged',
      `the client file ${path} holds something else; expected ${expected}`,
    )
  }
  const clients = entries.map((entry: unknown, i) => readEntry(entry, `the client file ${path}: [${i}]`))
  const names = new Set(clients.map(({ clientId }) => clientId))
  if (names.size === clients.length) return clients
  throw new ClientFileError(
    'client-file-damaged',
    `the client file ${path} has a client twice; expected each once`,
  )
}

function readEntry(entry: unknown, where: string): ClientEntry {
  const fault = (field: string, expected: string): ClientFileError =>
    new ClientFileError('client-file-damaged', `${where}.${field} is not usable; expected ${expected}`)
  const fields = typeof entry === 'object' && entry !== null ? (entry as Record<string, unknown>) : {}
  const { client_id: clientId, permissions, lifetime_seconds: lifetimeSeconds, secrets } = fields
  const { certificate: byCertificate = false } = fields
  if (typeof clientId !== 'string' || clientIdentifierFault(clientId) !== undefined) {
    throw fault('client_id', 'a client identifier')
  }
  assertClientPermissions(permissions, clientId, (message) => fault('permissions', message))
  if (lifetimeSeconds !== undefined && !isLifetime(lifetimeSeconds)) {
    throw fault('lifetime_seconds', `a whole number from 1 to ${MAXIMUM_LIFETIME_SECONDS}`)
  }
  if (typeof byCertificate !== 'boolean') throw fault('certificate', 'true or false')
  if (!Array.isArray(secrets) || secrets.length > MAXIMUM_SECRETS)
    throw fault('secrets', `up to ${MAXIMUM_SECRETS} hashes`)
  return {
    clientId,
    permissions,
    lifetimeSeconds,
    byCertificate,
    secrets: secrets.map((secret: { hash?: unknown; until?: unknown } | null, i) => {
      const { hash, until } = secret ?? {}
      if (typeof hash !== 'string' || !isClientSecretHash(hash))
        throw fault(`secrets[${i}].hash`, 'scrypt$N$r$p$salt$hash')
      const untilMs = until === undefined ? undefined : Date.parse(String(until))
      if (Number.isNaN(untilMs)) throw fault(`secrets[${i}].until`, 'a time such as 2026-05-31T14:00:00Z')
      return { hash, untilMs }
    }),
  }
}

/** Throws what `faultOf` makes of it where it is no list of permissions. */
export function assertClientPermissions(
  permissions: unknown,
  clientId: string,
  faultOf: (expected: string) => Error,
): asserts permissions is readonly string[] {
  const isList = Array.isArray(permissions) && permissions.every((entry) => typeof entry === 'string')
  if (!isList) throw faultOf('a list of permissions')
  try {
    new Permissions(permissions, { clientId })
  } catch (error) {
    if (!(error instanceof PermissionListError)) throw error
    throw faultOf(`permissions; ${quote(clientId)}: ${error.message}`)
  }
}

function isLifetime(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MAXIMUM_LIFETIME_SECONDS
}
