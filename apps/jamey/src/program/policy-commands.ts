import type { Command } from 'commander'
import type { Run } from '../terminal/command-context.js'

/** `policy check` and `explain`: what a policy says of calls of tools. */
export function addPolicyCommands(program: Command, run: Run): void {
  const policy = program
    .command('policy')
    .description('check a policy for calls of tools, and ask what it says of one')
    .addHelpText('after', HELP)
  policy
    .command('check')
    .argument('[file]', 'the policy', DEFAULT_FILE)
    .description('say what is wrong with it, all at once')
    .option(...AS_JSON)
    .action((file: string, options) =>
      run(async (context) => (await commands()).policyCheck(context, file, options)),
    )
  policy
    .command('explain')
    .argument('<tool>', 'the name of a tool')
    .argument('[arguments]', 'its arguments, as a JSON object', '{}')
    .description('say whether a call would be allowed, asked or denied (exit code 3), and why')
    .option('--policy <file>', 'the policy', DEFAULT_FILE)
    .option(...AS_JSON)
    .action((tool: string, given: string, options) =>
      run(async (context) => (await commands()).policyExplain(context, { tool, given }, options)),
    )
}

const commands = () => import('../commands/offline/policy.js')
const DEFAULT_FILE = 'policy.yaml'
const AS_JSON = ['--json', 'print JSON'] as const

const HELP = `
A policy says which calls of an agent's tools are allowed, which a person is asked
about, and which are denied; docs/policies.md has its whole form.

Examples:
  jamey policy check
  jamey policy explain Bash '{"command": "git push --force"}'
  jamey policy explain send_email '{"to": "ann@example.org", "body": "hello"}' --json`
