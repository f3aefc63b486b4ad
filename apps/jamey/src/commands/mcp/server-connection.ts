import { resolve } from 'node:path'
import { isLoopbackHost, readOwnFile } from '@jamey/auth'
import { loadPolicy, type Policy, RuleFileError } from '@jamey/conscience'
import {
  connectHttpServer,
  MAXIMUM_LINE_BYTES,
  type ServerLink,
  ServerStartError,
  startChildServer,
} from '@jamey/mcp'
import { EXIT } from '../../support/exit-codes.js'
import { CommandFailure, usageError } from '../../support/failure.js'
import type { CommandContext } from '../../terminal/command-context.js'
import type { Terminal } from '../../terminal/terminal.js'
import { serverNameAt, serverNameOf } from './server-name.js'

const USAGE = { code: 'mcp-guard' }

/** Which server of MCP, beside the command that starts it. */
export interface ServerOptions {
  readonly name?: string
  /** Of a server that is reached over streamable HTTP, in the place of a command. */
  readonly url?: string
  /** A file with the token that the server at `url` lets in. */
  readonly tokenFile?: string
}

/** The server's name in rules, and how to reach it. */
export function serverFrom(
  context: CommandContext,
  command: readonly string[],
  options: ServerOptions,
): { readonly name: string; readonly connect: () => Promise<ServerLink> } {
  const url = urlOf(command, options)
  const name = options.name ?? (url === undefined ? serverNameOf(command) : serverNameAt(url))
  const token = tokenOf(context, options)
  const connect = async (): Promise<ServerLink> =>
    url === undefined ? started(command, context) : connected(url, token, context)
  return { name, connect }
}

/** Notes of the guard, so that nobody takes them for the server's. */
export function noteOf(terminal: Terminal): (line: string) => void {
  return (line) => terminal.note(`jamey mcp guard: ${line}`)
}

function connected(url: URL, token: string | undefined, { terminal }: CommandContext): ServerLink {
  return connectHttpServer({ url, token, maximumBytes: MAXIMUM_LINE_BYTES, note: noteOf(terminal) })
}

/** Undefined where a command starts the server. */
function urlOf(command: readonly string[], { url, tokenFile }: ServerOptions): URL | undefined {
  if (url === undefined) {
    if (command.length === 0) throw usageError('say which server: --url URL, or a command behind --', USAGE)
    if (tokenFile !== undefined) throw usageError('--token-file goes with --url', USAGE)
    return undefined
  }
  if (command.length > 0) throw usageError('--url and a command are two servers: leave out one', USAGE)
  const found = URL.canParse(url) ? new URL(url) : undefined
  if (found === undefined || !/^https?:$/.test(found.protocol) || found.username !== '' || found.hash !== '')
    throw usageError('--url: expected an http: or https: URL without user', USAGE)
  if (tokenFile !== undefined && found.protocol === 'http:' && !isLoopbackHost(found.hostname))
    throw usageError('--url: a token goes to https: alone, or to this machine', USAGE)
  return found
}

function tokenOf({ cwd }: CommandContext, { tokenFile }: ServerOptions): string | undefined {
  if (tokenFile === undefined) return undefined
  let token: string
  try {
    token = readOwnFile(resolve(cwd, tokenFile), { maximumBytes: 16_384, isSecret: true }).trim()
  } catch (error) {
    throw usageError(`${tokenFile} cannot be read: ${(error as Error).message}`, { ...USAGE, cause: error })
  }
  if (/^[\x21-\x7e]+$/.test(token)) return token
  throw usageError(`${tokenFile}: expected one token and nothing else`, USAGE)
}

async function started([command = '', ...args]: readonly string[], { cwd }: CommandContext) {
  try {
    return await startChildServer({ command, args, cwd })
  } catch (error) {
    if (!(error instanceof ServerStartError)) throw error
    throw new CommandFailure(error.message, { code: error.code, exitCode: EXIT.unavailable, cause: error })
  }
}

/** That in a file, with the current folder as its workspace where it names none. */
export function policyAt({ cwd }: CommandContext, file: string): Policy {
  try {
    return loadPolicy(resolve(cwd, file), { workspace: cwd })
  } catch (error) {
    if (!(error instanceof RuleFileError)) throw error
    throw new CommandFailure(error.message, { code: 'policy-invalid', exitCode: EXIT.usage, cause: error })
  }
}
