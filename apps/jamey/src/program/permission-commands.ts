import { Argument, type Command } from 'commander'
import type { Run } from '../terminal/command-context.js'

/** `permissions check`, `explain`, `who` and `diff`: what a manifest allows whom. */
export function addPermissionCommands(program: Command, run: Run): void {
  const permissions = program
    .command('permissions')
    .description('check a permissions.yaml, and ask what it allows')
    .addHelpText('after', HELP)
  permissions
    .command('check')
    .argument('[file]', 'the manifest, or - for standard input', DEFAULT_FILE)
    .description('say what is wrong with it, all at once')
    .option(...AS_JSON)
    .action((file: string, options) =>
      run(async (context) => (await commands()).permissionsCheck(context, file, options)),
    )
  permissions
    .command('explain')
    .argument('<client id>', 'a client')
    .addArgument(new Argument('<action>', 'what it wants to do').choices(ACTIONS))
    .argument('<topic>', 'a topic; a filter to subscribe; a client identifier to act for or relay')
    .description('say by which entry a client may do something, or that none lets it (exit code 3)')
    .option(...MANIFEST)
    .option(...AS_JSON)
    .action((clientId: string, action: string, topic: string, options) =>
      run(async (context) =>
        (await commands()).permissionsExplain(context, { clientId, action, topic }, options),
      ),
    )
  permissions
    .command('who')
    .argument('<words...>', 'publish or subscribe, else both; then a topic or filter')
    .usage('[options] [publish|subscribe] <topic>')
    .description('list every client that may, and by which entry')
    .option(...MANIFEST)
    .option(...AS_JSON)
    .action((words: readonly string[], options) =>
      run(async (context) => (await commands()).permissionsWho(context, words, options)),
    )
  permissions
    .command('diff')
    .argument('<old>', 'a manifest, or - for standard input')
    .argument('<new>', 'another one, or -')
    .description('list who may more or less by effect, however it is written')
    .option(...AS_JSON)
    .action((before: string, after: string, options) =>
      run(async (context) => (await commands()).permissionsDiff(context, { before, after }, options)),
    )
}

const commands = () => import('../commands/permissions.js')
const ACTIONS = ['publish', 'subscribe', 'receive', 'act-for', 'relay']
const DEFAULT_FILE = 'permissions.yaml'
const MANIFEST = ['--manifest <file>', 'the manifest, or - for standard input', DEFAULT_FILE] as const
const AS_JSON = ['--json', 'print JSON'] as const

const HELP = `
The manifest says which clients there are, how each proves who it is, what it may
do and how much of it; docs/permissions.md has its whole form. \`jamey broker
--manifest\` is made from it.

Examples:
  jamey permissions check
  jamey permissions explain robot-7 publish lab/robot-7/heat
  jamey permissions who subscribe 'jamey/events/#'
  git show HEAD:permissions.yaml | jamey permissions diff - permissions.yaml`
