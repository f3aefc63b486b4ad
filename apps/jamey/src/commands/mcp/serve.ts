import { once } from 'node:events'
import { resolve } from 'node:path'
import { readOwnFile } from '@jamey/auth'
import { topics } from '@jamey/contracts'
import type { McpServerFactory } from '@modelcontextprotocol/server'
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio'
import { withBus } from '../../client/connection.js'
import type { ClientOptions } from '../../client/connection-target.js'
import { EXIT } from '../../support/exit-codes.js'
import { CommandFailure } from '../../support/failure.js'
import type { CommandContext, Outcome } from '../../terminal/command-context.js'
import { listenHttp } from './http-listener.js'
import { mcpServer } from './mcp-server.js'
import { withNarrowRights } from './narrow-rights.js'
import { outputOf } from './standard-output.js'

export interface ServeOptions extends ClientOptions {
  /** A port of this machine; standard input and output without it. */
  readonly http?: number
  readonly tokenFile?: string
  readonly timeout: number
}

/** Permissions of the tools that everybody gets; publish and subscribe have what --permission adds. */
const PERMISSIONS = [
  topics.conscience.evaluate.topic,
  topics.memory.store.topic,
  topics.memory.query.topic,
  topics.memory.update.topic,
  topics.memory.forget.topic,
].map((topic) => `publish:${topic}`)

const MAXIMUM_MESSAGE_BYTES = 1_048_576
const MINIMUM_TOKEN_CHARACTERS = 32
const MAXIMUM_TOKEN_FILE_BYTES = 4_096

/** Serves the tools of MCP until the client leaves, or over HTTP until somebody stops it. */
export async function serve(context: CommandContext, options: ServeOptions): Outcome {
  if (options.clientId === undefined) throw nameless()
  const token = options.http === undefined ? '' : tokenOf(context, options)
  return withBus(context, withNarrowRights(context, options, PERMISSIONS), async (bus) => {
    const factory: McpServerFactory = () => mcpServer(bus, { timeoutMs: options.timeout, now: context.now })
    context.terminal.serve()
    if (options.http === undefined) await overStandardStreams(context, factory)
    else await overHttp(context, { port: options.http, token, factory })
    return EXIT.success
  })
}

async function overStandardStreams({ terminal, interrupted }: CommandContext, factory: McpServerFactory) {
  const { stdin } = terminal
  const transport = new StdioServerTransport(stdin, outputOf(terminal), {
    maxBufferSize: MAXIMUM_MESSAGE_BYTES,
  })
  const left = Promise.race([once(stdin, 'end'), once(stdin, 'close'), aborted(interrupted)])
  const serving = serveStdio(factory, { transport, onerror: ({ message }) => terminal.warn(message) })
  await left
  await serving.close()
}

async function overHttp(
  { terminal, interrupted }: CommandContext,
  how: { readonly port: number; readonly token: string; readonly factory: McpServerFactory },
): Promise<void> {
  const listener = await listenHttp({ ...how, onError: ({ message }) => terminal.warn(message) })
  terminal.note(`MCP at ${listener.url}; Ctrl-C ends`)
  await aborted(interrupted)
  await listener.close()
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort')
}

function tokenOf({ cwd }: CommandContext, { tokenFile }: ServeOptions): string {
  const usage = (message: string, cause?: unknown) =>
    new CommandFailure(message, {
      code: 'token-file',
      exitCode: EXIT.usage,
      hint: 'make one with `(umask 077; openssl rand -hex 32 > mcp-token)`',
      cause,
    })
  if (tokenFile === undefined)
    throw usage('--http needs --token-file: who knows what is in it may call the tools')
  let token: string
  try {
    token = readOwnFile(resolve(cwd, tokenFile), {
      maximumBytes: MAXIMUM_TOKEN_FILE_BYTES,
      isSecret: true,
    }).trim()
  } catch (error) {
    throw usage(`${tokenFile} cannot be read: ${(error as Error).message}`, error)
  }
  if (token.length >= MINIMUM_TOKEN_CHARACTERS && /^[\w.~+/-]+=*$/.test(token)) return token
  throw usage(
    `${tokenFile}: expected a token of ${MINIMUM_TOKEN_CHARACTERS} characters or more as in RFC 6750, found ${token.length}`,
  )
}

function nameless(): CommandFailure {
  return new CommandFailure('name the agent with --client-id: memories and verdicts go by that name', {
    code: 'client-id-missing',
    exitCode: EXIT.usage,
    hint: 'such as `jamey mcp --client-id my-agent`; another name for each agent that runs at the same time',
  })
}
