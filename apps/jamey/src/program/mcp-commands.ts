import { type Command, InvalidArgumentError } from 'commander'
import type { Run } from '../terminal/command-context.js'
import { parsePort } from './arguments.js'
import { timeout, waiting, withConnection } from './client-options.js'

/** The commands of `mcp`, which are loaded when that is typed: who waits for a short command loads none of it. */
export function addMcpCommands(mcp: Command, run: Run): void {
  withConnection(
    mcp
      .command('serve', { isDefault: true })
      .description('serve tools to ask, remember, recall, forget, publish and subscribe; the default')
      .option('--http <port>', 'over HTTP on this machine, in place of standard input and output', parsePort)
      .option('--token-file <file>', 'the token that programs have to know for --http')
      .addOption(timeout(30, 'how long a service may take to answer')),
  ).action((options) =>
    run(async (context) => (await import('../commands/mcp/serve.js')).serve(context, options)),
  )
  withConnection(
    mcp
      .command('guard')
      .argument('[command...]', 'what starts the server, behind --')
      .description('stand between a client and a server, and have every call of a tool judged')
      .option(
        '--name <name>',
        "the server's name in rules: mcp__NAME__TOOL (default: by the command)",
        parseServerName,
      )
      .option('--url <url>', 'of a server over streamable HTTP, in the place of a command')
      .option('--token-file <file>', 'the token that the server at --url lets in')
      .option('--policy <file>', 'judge by this policy alone, without a broker')
      .addOption(waiting('--wait', 'how long a person has to approve a call', 45))
      .option('--elicit', "let the client's user approve calls, who answers through the client")
      .addHelpText('after', HELP),
  ).action((command: string[], options) =>
    run(async (context) => (await import('../commands/mcp/guard.js')).guard(context, command, options)),
  )
  addTools(mcp, run)
}

/** What a server has, before it is used or guarded. */
function addTools(mcp: Command, run: Run): void {
  mcp
    .command('tools')
    .argument('[command...]', 'what starts the server, behind --')
    .description('list the tools of a server, and what a policy would make of each; none is called')
    .option('--name <name>', "the server's name in rules (default: by the command)", parseServerName)
    .option('--url <url>', 'of a server over streamable HTTP, in the place of a command')
    .option('--token-file <file>', 'the token that the server at --url lets in')
    .option('--policy <file>', 'the policy to judge by (default: that which ships)')
    .addOption(timeout(30, 'how long the server may take to answer'))
    .option('--json', 'as JSON')
    .action((command: string[], options) =>
      run(async (context) => (await import('../commands/mcp/tools.js')).tools(context, command, options)),
    )
}

/** Two underscores would end it before its end. */
function parseServerName(value: string): string {
  if (/^[A-Za-z0-9-]+(?:_[A-Za-z0-9-]+)*$/.test(value) && value.length <= 60) return value
  throw new InvalidArgumentError('Expected letters, digits, - and single _, at most 60.')
}

const HELP = `
In a client's configuration, in the place of \`npx -y SERVER ARGUMENTS\`:

  jamey mcp guard -- npx -y SERVER ARGUMENTS
  jamey mcp guard --url https://SERVER/mcp --token-file FILE

The conscience of the running system judges; --policy judges without one.

docs/mcp.md has what is judged and who may answer.`
