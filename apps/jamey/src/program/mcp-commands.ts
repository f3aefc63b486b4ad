import type { Command } from 'commander'
import type { Run } from '../terminal/command-context.js'
import { parseTimeoutMs } from './arguments.js'

/** `mcp guard`. */
export function addMcpCommands(program: Command, run: Run): void {
  const mcp = program.command('mcp').description('Model Context Protocol: have calls of tools judged')
  mcp
    .command('guard')
    .argument('<command...>', 'what starts the server, behind --')
    .description('stand between a client and a server, and have every call of a tool judged')
    .option('--name <name>', "the server's name in rules: mcp__NAME__TOOL (default: by the command)")
    .requiredOption('--policy <file>', 'the policy to judge by')
    .option('--wait <seconds>', 'how long a person has to approve a call', parseTimeoutMs, 45_000)
    .option('--elicit', "let the client's user approve calls, who answers through the client")
    .addHelpText('after', HELP)
    .action((command: string[], options) =>
      run(async (context) => (await import('../commands/mcp/guard.js')).guard(context, command, options)),
    )
}

const HELP = `
In a client's configuration, in the place of \`npx -y SERVER ARGUMENTS\`:

  jamey mcp guard --policy policy.yaml -- npx -y SERVER ARGUMENTS

docs/mcp.md has what is judged and who may answer.`
