import type { Command } from 'commander'
import type { Run } from '../../terminal/command-context.js'
import { collect } from '../arguments.js'

/** `backup`, `backup verify` and `restore`: everything of an installation. */
export function addBackupCommands(program: Command, run: Run): void {
  const command = program
    .command('backup')
    .argument('<folder>', 'the folder to make; nothing may be in it')
    .description('copy everything of this installation, while it runs or not')
    .option(
      '--with <file>',
      'settings to keep with it, as .env of a part; may be given several times',
      collect,
    )
    .option('--without-secrets', 'leave out private keys, the token secret and .env')
    .option('--json', 'print what was copied as JSON')
    .option('--data-dir <folder>', 'what to copy, instead of the nearest .jamey')
    .addHelpText('after', BACKUP_HELP)
    .action((folder: string, options) =>
      run(async (context) => (await import('../../commands/backup.js')).backup(context, folder, options)),
    )
  command
    .command('verify')
    .argument('<folder>', 'a backup')
    .description('read a whole backup, and say whether it can be restored')
    .option('--json', 'print what is in it as JSON')
    .action((folder: string, _options, self: Command) =>
      run(async (context) =>
        (await import('../../commands/backup.js')).backupVerify(context, folder, self.optsWithGlobals()),
      ),
    )
  program
    .command('restore')
    .argument('<folder>', 'a backup, as `jamey backup` made it')
    .description('make a data folder of a backup')
    .option('--replace', 'set aside what is there, under another name')
    .option('--json', 'print what was restored as JSON')
    .option('--data-dir <folder>', 'the folder to make, instead of .jamey')
    .addHelpText('after', RESTORE_HELP)
    .action((folder: string, options) =>
      run(async (context) => (await import('../../commands/restore.js')).restore(context, folder, options)),
    )
}

const BACKUP_HELP = `
Broker, memories, audit, approvals, outboxes, certificates, secrets, lists and
settings are in it as they were at one moment; a system that runs waits some
milliseconds. Without its manifest, which is written last, it is no backup.

  jamey backup /srv/backup/today
  jamey backup /srv/backup/today --with memory/.env --with broker/.env
  jamey backup verify /srv/backup/today`

const RESTORE_HELP = `
Everything is verified before anything is touched, and put in place in one step.
What runs there has to be stopped. With --replace the former data folder is kept
as .jamey.before-TIME.

  jamey restore /srv/backup/today --data-dir elsewhere
  jamey restore /srv/backup/today --replace`
