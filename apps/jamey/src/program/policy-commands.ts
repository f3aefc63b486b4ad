import type { Command } from 'commander'
import type { Run } from '../terminal/command-context.js'
import { parseDurationMs } from './arguments.js'

/** `policy check`, `explain`, `test` and `diff`: what a policy says of calls of tools. */
export function addPolicyCommands(program: Command, run: Run): void {
  const policy = program
    .command('policy')
    .description('check and try a policy for calls of tools, and ask what it says of one')
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
    .option('--policy <file>', `the policy; ${DEFAULT_FILE}, or the one that ships where there is none`)
    .option('--cwd <folder>', 'the folder that the call is made in')
    .option(...AS_JSON)
    .action((tool: string, given: string, options) =>
      run(async (context) => (await commands()).policyExplain(context, { tool, given }, options)),
    )
  policy
    .command('test')
    .argument('[file]', `the policy; ${DEFAULT_FILE}, or the one that ships where there is none`)
    .description('say whether it decides its cases as they say (exit code 3 otherwise)')
    .option('--cases <file>', 'the cases; beside the policy by default, as policy.cases.yaml')
    .option('--uncovered', 'fail, too, for a rule that no case tries')
    .option(...AS_JSON)
    .action((file: string | undefined, options) =>
      run(async (context) => (await commands()).policyTest(context, file, options)),
    )
  policy
    .command('diff')
    .argument('<old>', 'a policy')
    .argument('<new>', 'another one')
    .description('say what the other one would have decided otherwise (exit code 3 if anything)')
    .option('--since <time>', 'of calls not longer ago than 30m, 2h, 7d', parseDurationMs)
    .option('--cases <file>', 'of the calls of these cases, instead of those that were recorded')
    .option('--data-dir <folder>', 'the folder to look in, instead of the nearest .jamey')
    .option(...AS_JSON)
    .action((before: string, after: string, options) =>
      run(async (context) => (await commands()).policyDiff(context, { before, after }, options)),
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
  jamey policy test --uncovered
  jamey policy diff policy.yaml new.yaml --since 7d
  jamey policy explain send_email '{"to": "ann@example.org", "body": "hello"}' --json`
