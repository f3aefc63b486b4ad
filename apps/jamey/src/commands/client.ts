import { resolve } from 'node:path'
import {
  assertClientPermissions,
  type ClientEntry,
  createClientSecret,
  hashClientSecret,
  readClientFile,
  shownClientName,
  writeClientFile,
} from '@jamey/auth'
import { requireDataDirectory } from '../install/data-directory.js'
import { withFileLock } from '../install/file-lock.js'
import { listedClient } from '../install/listed-client.js'
import { assertNewClientName } from '../install/new-client-name.js'
import { EXIT } from '../support/exit-codes.js'
import { CommandFailure, usageError } from '../support/failure.js'
import type { CommandContext, Outcome } from '../terminal/command-context.js'

const USAGE = {
  code: 'client-invalid',
  hint: "such as `jamey client add robot-7 --permission 'publish:lab/#'`",
}

/** The file of clients that a command works on. */
export interface ClientFileOptions {
  readonly file?: string
  readonly json?: boolean
  readonly dataDir?: string
}

export interface ClientAddOptions extends ClientFileOptions {
  readonly permission?: readonly string[]
  /** Manifest that says what the client may do. */
  readonly manifest?: string
  readonly lifetime?: number
  /** True where its client certificate is enough, and no secret is made. */
  readonly certificate?: boolean
}

export interface ClientRotateOptions extends ClientFileOptions {
  /** Milliseconds. */
  readonly keep?: number
}

/** Prints the secret alone, so that it can be sent into a file; nothing where a certificate is in its place. */
export async function clientAdd(
  context: CommandContext,
  clientId: string,
  options: ClientAddOptions,
): Outcome {
  const { lifetime: lifetimeSeconds, certificate: byCertificate = false } = options
  assertNewClientName(clientId, [])
  const permissions = await permissionsFor(context, clientId, options)
  const { secret, hashed } = byCertificate ? NO_SECRET : await makeSecret()
  await change(context, options, (clients) => {
    assertNewClientName(
      clientId,
      clients.map((client) => client.clientId),
    )
    if (clients.some((client) => client.clientId === clientId)) {
      throw new CommandFailure(`${clientId} is a client already`, {
        code: 'client-exists',
        hint: '`jamey client rotate` makes another secret for it; `remove` it first to change what it may do',
      })
    }
    const secrets = hashed === undefined ? [] : [hashed]
    return [...clients, { clientId, permissions, lifetimeSeconds, secrets, byCertificate }]
  })
  return tell(context, { clientId, secret }, options)
}

async function permissionsFor(
  context: CommandContext,
  clientId: string,
  options: ClientAddOptions,
): Promise<readonly string[]> {
  const listed = await listedClient(context, options, clientId)
  const proof = options.certificate === true ? 'certificate' : 'secret'
  if (listed !== undefined && !listed.proofs.includes(proof)) {
    throw usageError(
      `the manifest has ${clientId} prove who it is by ${listed.proofs.join(' or ')}; expected ${proof} there`,
      USAGE,
    )
  }
  const permissions = options.permission ?? listed?.permissions
  if (permissions === undefined)
    throw usageError('expected --permission, or a manifest that says what it may do', USAGE)
  assertClientPermissions(permissions, clientId, (message) => usageError(message, USAGE))
  return permissions
}

export async function clientRotate(
  context: CommandContext,
  clientId: string,
  options: ClientRotateOptions,
): Outcome {
  const { secret, hashed } = await makeSecret()
  const untilMs = context.now().getTime() + (options.keep ?? 0)
  await change(context, options, (clients) => {
    const client = find(clients, clientId)
    if (client.byCertificate === true) {
      throw new CommandFailure(`${clientId} has a certificate in the place of a secret`, {
        code: 'client-by-certificate',
        hint: '`jamey certs issue` renews a certificate; `remove` it first to give it a secret',
      })
    }
    // The one in force alone: of those before, the time would begin anew.
    const former = client.secrets.filter((each) => each.untilMs === undefined)
    const secrets = [hashed, ...former.map(({ hash }) => ({ hash, untilMs }))]
    return clients.map((each) => (each === client ? { ...client, secrets } : each))
  })
  return tell(context, { clientId, secret }, options)
}

export async function clientRemove(
  context: CommandContext,
  clientId: string,
  options: ClientFileOptions,
): Outcome {
  await change(context, options, (clients) => {
    const client = find(clients, clientId)
    return clients.filter((each) => each !== client)
  })
  if (options.json) context.terminal.printJson({ removed: clientId })
  else
    context.terminal.print(
      `${shownClientName(clientId)} gets no more tokens; \`jamey deny add --sub\` ends those it has`,
    )
  return EXIT.success
}

export async function clientList(context: CommandContext, options: ClientFileOptions): Outcome {
  const { terminal } = context
  const clients = await readClientFile(pathOf(context, options))
  for (const { clientId, permissions, lifetimeSeconds, byCertificate = false } of clients) {
    if (options.json) {
      const lifetime = lifetimeSeconds ?? null
      terminal.printJson({
        client_id: clientId,
        permissions,
        lifetime_seconds: lifetime,
        certificate: byCertificate,
      })
    } else {
      terminal.print(
        `${shownClientName(clientId)}: ${permissions.join(' ')}${byCertificate ? ' (by certificate)' : ''}`,
      )
    }
  }
  if (clients.length === 0 && !options.json)
    terminal.print('nobody gets tokens for a secret or a certificate')
  return EXIT.success
}

function pathOf({ env, cwd }: CommandContext, { file, dataDir }: ClientFileOptions): string {
  const set = env['JAMEY_CLIENTS_FILE']
  const named = file ?? (dataDir === undefined && set ? set : undefined)
  return named === undefined ? requireDataDirectory(cwd, dataDir, 'clients').clients : resolve(cwd, named)
}

async function change(
  context: CommandContext,
  options: ClientFileOptions,
  next: (clients: readonly ClientEntry[]) => readonly ClientEntry[],
): Promise<void> {
  const path = pathOf(context, options)
  await withFileLock(path, async () => {
    const clients = next(await readClientFile(path))
    await writeClientFile(path, clients, context.now().getTime())
  })
}

const NO_SECRET = { secret: undefined, hashed: undefined }

async function makeSecret() {
  const secret = createClientSecret()
  return { secret, hashed: { hash: await hashClientSecret(secret), untilMs: undefined } }
}

function find(clients: readonly ClientEntry[], clientId: string): ClientEntry {
  const found = clients.find((client) => client.clientId === clientId)
  if (found !== undefined) return found
  throw new CommandFailure(`"${shownClientName(clientId)}" is no client`, {
    code: 'client-unknown',
    hint: '`jamey client list` shows them',
  })
}

/** The secret is nowhere else from now on. */
function tell(
  { terminal }: CommandContext,
  { clientId, secret }: { clientId: string; secret: string | undefined },
  { json }: ClientFileOptions,
): Awaited<Outcome> {
  if (json) terminal.printJson({ client_id: clientId, client_secret: secret ?? null })
  else if (secret === undefined) terminal.note(`${clientId} gets tokens for its client certificate`)
  else {
    terminal.print(secret)
    terminal.note(`the secret of ${clientId}, shown this once; keep it in a file of mode 0600`)
  }
  return EXIT.success
}
