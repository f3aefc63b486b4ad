import { resolve } from 'node:path'
import { busJudge, type CallJudge } from '@jamey/agents'
import { loadPolicy, RuleFileError } from '@jamey/conscience'
import { guardMcp, type McpGuardEnd, ServerStartError, startChildServer } from '@jamey/mcp'
import { withBus } from '../../client/connection.js'
import type { ClientOptions } from '../../client/connection-target.js'
import { EXIT, type ExitCode } from '../../support/exit-codes.js'
import { CommandFailure } from '../../support/failure.js'
import type { CommandContext, Outcome } from '../../terminal/command-context.js'
import { withNarrowRights } from './narrow-rights.js'
import { policyJudge } from './policy-judge.js'
import { serverNameOf } from './server-name.js'
import { outputOf } from './standard-output.js'

export interface GuardOptions extends ClientOptions {
  readonly name?: string
  /** A policy to judge by in this process, in the place of a conscience on the bus. */
  readonly policy?: string
  readonly wait: number
  readonly elicit?: boolean
}

/** To ask, and to tell what came of it. */
const PERMISSIONS = ['publish:jamey/conscience/evaluate', 'publish:jamey/conscience/reports']

/** Runs a server of MCP behind a guard until the client leaves, which is success, or the server ends. */
export async function guard(
  context: CommandContext,
  command: readonly string[],
  options: GuardOptions,
): Outcome {
  const name = options.name ?? serverNameOf(command)
  const behind = async (judge: CallJudge): Outcome =>
    exitCodeOf(await serve(context, { command, name, judge, options }), context)
  if (options.policy === undefined) {
    return withBus(context, withNarrowRights(context, options, PERMISSIONS), (bus) => behind(busJudge(bus)))
  }
  return behind(policyJudge(policyAt(context, options.policy), () => context.now().getTime()))
}

interface Served {
  readonly command: readonly string[]
  readonly name: string
  readonly judge: CallJudge
  readonly options: GuardOptions
}

async function serve(
  context: CommandContext,
  { command, name, judge, options }: Served,
): Promise<McpGuardEnd> {
  const { terminal, interrupted } = context
  // Standard output is the client's; that it leaves is told by the end of standard input.
  terminal.serve()
  const server = await started(command, context)
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
      waitMs: options.wait,
      isElicitationTrusted: options.elicit === true,
      note: (line) => terminal.note(`jamey mcp guard: ${line}`),
      signal: AbortSignal.any([interrupted, hangup.signal]),
    })
  } finally {
    process.removeListener('SIGHUP', hangUp)
  }
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
