import type { Command } from 'commander'
import type { Run } from '../terminal/command-context.js'

/** \`memory\`: what can be done with all memories at once, where their file is. */
export function addMemoryFileCommands(program: Command, run: Run): void {
  const memory = program
    .command('memory')
    .description('export, import and back up all memories')
    .addHelpText(
      'after',
      `
These commands work on the memory file itself, whether its service runs or not:
that of JAMEY_MEMORY_FILE where it is set, else memory.db in --data-dir, in
JAMEY_DATA_DIR or in the data of the nearest .jamey. docs/memories.md tells how
to restore.`,
    )
  place(
    memory
      .command('export')
      .description('write every memory as a line of JSON')
      .argument('<file>', 'a new file, or - for standard output'),
  ).action((file, options) =>
    run(async (context) =>
      (await import('../commands/memory-file.js')).exportMemories(context, file, options),
    ),
  )
  place(
    memory
      .command('import')
      .description('take memories from an export, each with its id and times')
      .argument('<file>', 'a file that `jamey memory export` wrote, or - for standard input')
      .addHelpText(
        'after',
        `
What is here already stays as it is, so repeating the command changes nothing. A
line that cannot be taken is told with its number, and the others are taken.
Nothing is announced on jamey/memory/updates.`,
      ),
  ).action((file, options) =>
    run(async (context) =>
      (await import('../commands/memory-file.js')).importMemories(context, file, options),
    ),
  )
  place(
    memory
      .command('backup')
      .description('copy the memory file while it is used')
      .argument('<file>', 'a new file'),
  ).action((file, options) =>
    run(async (context) =>
      (await import('../commands/memory-file.js')).backupMemories(context, file, options),
    ),
  )
}

function place(command: Command): Command {
  return command
    .option('--json', 'print one JSON object')
    .option('--data-dir <folder>', 'the folder to look in, instead of the nearest .jamey')
}
