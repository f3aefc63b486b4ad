import { type Command, Option } from 'commander'
import type { Run } from '../terminal/command-context.js'
import { timeout, withConnection } from './client-options.js'

/** `approvals`: calls that people are asked about. */
export function addApprovalCommands(program: Command, run: Run): void {
  const approvals = program
    .command('approvals')
    .description('see the calls that people are asked about, and answer')
    .addHelpText('after', HELP)
  withConnection(
    approvals
      .command('list')
      .description('show what waits for an answer, or was approved')
      .option('--all', 'also what is denied, used, expired or revoked')
      .addOption(timeout(30)),
  ).action((options) => run(async (context) => (await commands()).list(context, options)))
  withConnection(
    approvals
      .command('show')
      .argument(...ID)
      .description('show one with all it says')
      .addOption(timeout(30)),
  ).action((id, options) => run(async (context) => (await commands()).show(context, id, options)))
  withConnection(
    approvals
      .command('approve')
      .argument(...ID)
      .description('allow the call')
      .addOption(
        new Option('--scope <scope>', 'once, for its session, or always with these arguments')
          .choices(['once', 'session', 'always'])
          .default('once'),
      )
      .option(...NOTE)
      .addOption(timeout(30)),
  ).action((id, options) =>
    run(async (context) => (await commands()).answer(context, id, 'approve', options)),
  )
  withConnection(
    approvals
      .command('deny')
      .argument(...ID)
      .description('deny the call')
      .option(...NOTE)
      .addOption(timeout(30)),
  ).action((id, options) => run(async (context) => (await commands()).answer(context, id, 'deny', options)))
  withConnection(
    approvals
      .command('revoke')
      .argument(...ID)
      .description('take an approval back')
      .addOption(timeout(30)),
  ).action((id, options) => run(async (context) => (await commands()).revoke(context, id, options)))
  withConnection(
    approvals.command('watch').description('show each as it comes and changes, until Ctrl-C'),
  ).action((options) =>
    run(async (context) => (await import('../commands/approvals/watch.js')).watch(context, options)),
  )
}

const commands = () => import('../commands/approvals/approvals.js')
const ID = ['<id>', 'the id, or what it begins with'] as const
const NOTE = ['--note <text>', 'why, for who asked and whoever looks back'] as const

const HELP = `
Who answers is told to who asked: operator-<user>, or the name that --client-id gives.
Nobody answers a call of its own. docs/approvals.md`
