import { busJudge, type CallJudge } from '@jamey/agents'
import { guardMcp, type McpGuardEnd, type ServerLink } from '@jamey/mcp'
import { withBus } from '../../client/connection.js'
import type { ClientOptions } from '../../client/connection-target.js'
import { EXIT, type ExitCode } from '../../support/exit-codes.js'
import type { CommandContext, Outcome } from '../../terminal/command-context.js'
import { withNarrowRights } from './narrow-rights.js'
import { policyJudge } from './policy-judge.js'
import { noteOf, policyAt, type ServerOptions, serverFrom } from './server-connection.js'
import { outputOf } from './standard-output.js'

export interface GuardOptions extends ClientOptions, ServerOptions {
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
  const { name, connect } = serverFrom(context, command, options)
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
  const note = noteOf(terminal)
  note(`the tools of this server are judged as mcp__${name}__*`)
  try {
    return await guardMcp({
      client: { input: terminal.stdin, output: outputOf(terminal) },
      server,
      judge,
      serverName: name,
      ...(options.url === undefined ? { cwd: context.cwd } : {}),
      waitMs: options.wait,
      isElicitationTrusted: options.elicit === true,
      note,
      signal: AbortSignal.any([interrupted, hangup.signal]),
    })
  } finally {
    process.removeListener('SIGHUP', hangUp)
  }
}

function exitCodeOf({ endedBy, server }: McpGuardEnd, { terminal, interrupted }: CommandContext): ExitCode {
  if (interrupted.aborted) return EXIT.interrupted
  if (endedBy === 'client') return EXIT.success
  noteOf(terminal)(`the server ended: ${server.text}`)
  return server.isFailure ? EXIT.unavailable : EXIT.success
}
