import { judgeCall, loadPolicy } from '@jamey/conscience'
import { listTools } from '@jamey/mcp'
import { EXIT } from '../../support/exit-codes.js'
import { CommandFailure } from '../../support/failure.js'
import type { CommandContext, Outcome } from '../../terminal/command-context.js'
import { formatJudgedTools, type JudgedTool, jsonJudgedTools } from '../../views/tools-view.js'
import { policyAt, type ServerOptions, serverFrom } from './server-connection.js'

export interface ToolsOptions extends ServerOptions {
  /** That which ships by default. */
  readonly policy?: string
  readonly timeout: number
  readonly json?: boolean
}

/** Lists the tools of a server, and what a policy would make of a call of each. No tool is called. */
export async function tools(
  context: CommandContext,
  command: readonly string[],
  { policy: file, timeout, json, ...options }: ToolsOptions,
): Outcome {
  const { terminal, interrupted, cwd } = context
  const { name, connect } = serverFrom(context, command, options)
  const policy = file === undefined ? loadPolicy(undefined, { workspace: cwd }) : policyAt(context, file)
  const server = await connect()
  const over = AbortSignal.any([interrupted, AbortSignal.timeout(timeout)])
  over.addEventListener('abort', () => void server.close())
  try {
    const judged = (await listTools(server)).map(({ name: tool, annotations }): JudgedTool => {
      const call = { tool: `mcp__${name}__${tool}`, arguments: {}, annotations }
      return { tool, annotations, verdict: judgeCall(policy, call) }
    })
    if (json) terminal.printJson(jsonJudgedTools(name, judged))
    else terminal.print(formatJudgedTools(name, judged, terminal))
  } catch (error) {
    const message =
      over.aborted && !interrupted.aborted ? 'the server did not answer in time' : (error as Error).message
    throw new CommandFailure(message, { code: 'mcp-tools', exitCode: EXIT.unavailable, cause: error })
  } finally {
    await server.close()
  }
  return EXIT.success
}
