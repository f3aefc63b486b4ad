import { resolve } from 'node:path'
import { busJudge, type CallJudge } from '@jamey/agents'
import { readOwnFile } from '@jamey/auth'
import { loadPolicy, RuleFileError } from '@jamey/conscience'
import {
  connectHttpServer,
  guardMcp,
  MAXIMUM_LINE_BYTES,
  type McpGuardEnd,
  type ServerLink,
  ServerStartError,
  startChildServer,
} from '@jamey/mcp'
import { withBus } from '../../client/connection.js'
import type { ClientOptions } from '../../client/connection-target.js'
import { EXIT, type ExitCode } from '../../support/exit-codes.js'
import { CommandFailure } from '../../support/failure.js'
import type { CommandContext, Outcome } from '../../terminal/command-context.js'
import { withNarrowRights } from './narrow-rights.js'
import { policyJudge } from './policy-judge.js'
import { serverNameAt, serverNameOf } from './server-name.js'
import { outputOf } from './standard-output.js'

export interface GuardOptions extends ClientOptions {
  readonly name?: string
  /** Of a server that is reached over streamable HTTP, in the place of a command. */
  readonly url?: string
  /** What the server at `url` lets in. */
  readonly tokenFile?: string
  /** A policy to judge by in this process, in the place of a conscience on the bus. */
  readonly policy?: string
  readonly wait: number
  readonly elicit?: boolean
}

/** To ask, and to tell what came of it. */
const PERMISSIONS = ['publish:jamey/conscience/evaluate', 'publish:jamey/conscience/reports']

/** Has a server of MCP behind a guard until the client leaves, which is success, or the server ends. */
export async function guard(
  context: CommandContext,
  command: readonly string[],
  options: GuardOptions,
): Outcome {
  const url = urlOf(command, options)
  const name = options.name ?? (url === undefined ? serverNameOf(command) : serverNameAt(url))
  const token = tokenOf(context, options)
  const connect = async (): Promise<ServerLink> =>
    url === undefined ? started(command, context) : connected(url, token, context)
  const behind = async (judge: CallJudge): Outcome =>
    exitCodeOf(await serve(context, { connect, name, judge, options }), context)
  if (options.policy === undefined) {
    return withBus(context, withNarrowRights(context, options, PERMISSIONS), (bus) => behind(busJudge(bus)))
  }
  return behind(policyJudge(policyAt(context, options.policy), () => context.now().getTime()))
}

interface Served {
  readonly connect: () => Promise<ServerLink>
  readonly name: string
  readonly judge: CallJudge
  readonly options: GuardOptions
}

async function serve(
  context: CommandContext,
  { connect, name, judge, options }: Served,
): Promise<McpGuardEnd> {
  const { terminal, interrupted } = context
  // Standard output is the client's; that it leaves is told by the end of standard input.
  terminal.serve()
  const server = await connect()
  const hangup = new AbortController()
  const hangUp = (): void => hangup.abort()
  process.once('SIGHUP', hangUp)
  terminal.note(`jamey mcp guard: the tools of this server are judged as mcp__${name}__*`)
  try {
    return await guardMcp({
      client: { input: terminal.stdin, output: outputOf(terminal) },
      server,
      judge,
      serverName: name,
      ...(options.url === undefined ? { cwd: context.cwd } : {}),
      waitMs: options.wait,
      isElicitationTrusted: options.elicit === true,
      note: (line) => terminal.note(`jamey mcp guard: ${line}`),
      signal: AbortSignal.any([interrupted, hangup.signal]),
    })
  } finally {
    process.removeListener('SIGHUP', hangUp)
  }
}

function connected(url: URL, token: string | undefined, { terminal }: CommandContext): ServerLink {
  const note = (line: string): void => terminal.note(`jamey mcp guard: ${line}`)
  return connectHttpServer({ url, token, maximumBytes: MAXIMUM_LINE_BYTES, note })
}

/** Undefined where a command starts the server. */
function urlOf(command: readonly string[], { url, tokenFile }: GuardOptions): URL | undefined {
  if (url === undefined) {
    if (command.length === 0) throw usage('say which server: --url URL, or a command behind --')
    if (tokenFile !== undefined) throw usage('--token-file goes with --url')
    return undefined
  }
  if (command.length > 0) throw usage('--url and a command are two servers: leave out one')
  const found = URL.canParse(url) ? new URL(url) : undefined
  if (found === undefined || !/^https?:$/.test(found.protocol) || found.username !== '' || found.hash !== '')
    throw usage('--url: expected an http: or https: URL without user')
  const isHere = /^(?:localhost|\[::1\]|127(?:\.\d{1,3}){3})$/.test(found.hostname)
  if (tokenFile !== undefined && found.protocol === 'http:' && !isHere)
    throw usage('--url: a token goes to https: alone, or to this machine')
  return found
}

function tokenOf({ cwd }: CommandContext, { tokenFile }: GuardOptions): string | undefined {
  if (tokenFile === undefined) return undefined
  let token: string
  try {
    token = readOwnFile(resolve(cwd, tokenFile), { maximumBytes: 16_384, isSecret: true }).trim()
  } catch (error) {
    throw usage(`${tokenFile} cannot be read: ${(error as Error).message}`, error)
  }
  if (/^[\x21-\x7e]+$/.test(token)) return token
  throw usage(`${tokenFile}: expected one token and nothing else`)
}

function usage(message: string, cause?: unknown): CommandFailure {
  return new CommandFailure(message, { code: 'mcp-guard', exitCode: EXIT.usage, cause })
}

async function started([command = '', ...args]: readonly string[], { cwd }: CommandContext) {
  try {
    return await startChildServer({ command, args, cwd })
  } catch (error) {
    if (!(error instanceof ServerStartError)) throw error
    throw new CommandFailure(error.message, { code: error.code, exitCode: EXIT.unavailable, cause: error })
  }
}

function policyAt({ cwd }: CommandContext, file: string) {
  try {
    return loadPolicy(resolve(cwd, file), { workspace: cwd })
  } catch (error) {
    if (!(error instanceof RuleFileError)) throw error
    throw new CommandFailure(error.message, { code: 'policy-invalid', exitCode: EXIT.usage, cause: error })
  }
}

function exitCodeOf({ endedBy, server }: McpGuardEnd, { terminal, interrupted }: CommandContext): ExitCode {
  if (interrupted.aborted) return EXIT.interrupted
  if (endedBy === 'client') return EXIT.success
  terminal.note(`jamey mcp guard: the server ended: ${server.text}`)
  return server.isFailure ? EXIT.unavailable : EXIT.success
}
