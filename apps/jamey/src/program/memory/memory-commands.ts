import type { Command } from 'commander'
import type { Run } from '../../terminal/command-context.js'
import { collect, parseCount, parseImportance, parseLimit } from '../arguments.js'
import { timeout, withConnection } from '../client-options.js'
import { layer, parseMomentOrNone, scope } from './memory-options.js'

const OTHERS = "whosever it is, where you may do so with what is others'"

/** `memory`: one memory with all that is known of it, and what is done with all of them at once. */
export function addMemoryCommands(program: Command, run: Run): void {
  const memory = program
    .command('memory')
    .description('look at and change single memories, and keep all of them')
    .addHelpText(
      'after',
      `
export, import, backup, reindex and check work on the memory file itself, whether its
service runs or not: that of JAMEY_MEMORY_FILE where it is set, else memory.db in
--data-dir, in JAMEY_DATA_DIR or in the data of the nearest .jamey. The others ask
the running memory. docs/memories.md tells more.`,
    )
  addRecordCommands(memory, run)
  addUpkeepCommands(memory, run)
  addFileCommands(memory, run)
}

function addRecordCommands(memory: Command, run: Run): void {
  withConnection(
    memory
      .command('get')
      .description('print one memory with all that is known of it')
      .argument('<id>', 'as `jamey recall` prints it')
      .option('--others', OTHERS)
      .addOption(timeout(30)),
  ).action((id, options) =>
    run(async (context) =>
      (await import('../../commands/memory/memory-records.js')).getMemory(context, id, options),
    ),
  )
  withConnection(
    memory
      .command('update')
      .description('change a memory; what it was stays in its history')
      .argument('<id>', 'as `jamey recall` prints it')
      .argument('[text]', 'its new text, or - for standard input')
      .option('--tag <tag>', 'in place of all its tags; may be given several times', collect)
      .option('--no-tag', 'without any tag')
      .option('--metadata <json>', 'in place of all its metadata')
      .option('--importance <n>', 'from 0 to 1', parseImportance)
      .addOption(layer('where to keep it'))
      .addOption(scope('who may recall it: private, shared, or group:NAME'))
      .option('--session <id>', 'the conversation or run it belongs to, or none')
      .option('--valid-from <moment>', 'when it begins to hold, or none', parseMomentOrNone)
      .option('--valid-to <moment>', 'when it ends to hold, or none', parseMomentOrNone)
      .option('--expires <moment>', 'until when to keep it, or never', parseMomentOrNone)
      .option('--untrusted', 'it is not believed any more')
      .option('--if-version <n>', 'only if this is its version', parseCount)
      .option('--others', OTHERS)
      .addOption(timeout(30)),
  ).action((id, text, options) =>
    run(async (context) =>
      (await import('../../commands/memory/memory-records.js')).updateMemory(context, id, text, options),
    ),
  )
  withConnection(
    memory
      .command('history')
      .description('print a memory as it is, and as it was before each change')
      .argument('<id>', 'as `jamey recall` prints it')
      .option('--limit <n>', 'how many versions, 1 to 100', parseLimit, 20)
      .option('--cursor <text>', 'the page after the one that told it')
      .option('--others', OTHERS)
      .addOption(timeout(30)),
  ).action((id, options) =>
    run(async (context) =>
      (await import('../../commands/memory/memory-records.js')).memoryHistory(context, id, options),
    ),
  )
}

function addUpkeepCommands(memory: Command, run: Run): void {
  withConnection(
    memory
      .command('stats')
      .description('print how many memories there are, of what kind and how large')
      .option('--others', 'of everybody, where you may read them')
      .option('--owner <client-id>', 'of this client, where you may read them')
      .addOption(timeout(30)),
  ).action((options) =>
    run(async (context) =>
      (await import('../../commands/memory/memory-upkeep.js')).memoryStats(context, options),
    ),
  )
  withConnection(
    memory
      .command('consolidate')
      .description('merge what is nearly the same, keep what is recalled often, make room')
      .addOption(layer('only this layer'))
      .option('--dry-run', 'say what would be done, and do nothing')
      .option('--others', 'of everybody, where you may change them')
      .option('--owner <client-id>', 'of this client, where you may change them')
      .addOption(timeout(60)),
  ).action((options) =>
    run(async (context) =>
      (await import('../../commands/memory/memory-upkeep.js')).consolidateMemories(context, options),
    ),
  )
}

function addFileCommands(memory: Command, run: Run): void {
  const inFile = (name: string, description: string) =>
    memory
      .command(name)
      .description(description)
      .option('--json', 'print one JSON object')
      .option('--data-dir <folder>', 'the folder to look in, instead of the nearest .jamey')
  addArchiveCommands(memory, run)
  inFile('backup', 'copy the memory file while it is used')
    .argument('<file>', 'a new file')
    .action((file, options) =>
      run(async (context) =>
        (await import('../../commands/memory/memory-file.js')).backupMemories(context, file, options),
      ),
    )
  inFile('reindex', 'make the indexes of the memory file anew, while it is used').action((options) =>
    run(async (context) =>
      (await import('../../commands/memory/memory-file.js')).reindexMemories(context, options),
    ),
  )
  inFile('check', 'look through the memory file, or a backup of it, and change nothing')
    .argument('[file]', 'another file than the one that is used')
    .action((file, options) =>
      run(async (context) =>
        (await import('../../commands/memory/memory-file.js')).checkMemories(context, file, options),
      ),
    )
}

const ARCHIVE_HELP = `
Without --client-id it is the memory file, where it lies, and the memories of all
owners; with it the running memory, and the memories of that client.`

function addArchiveCommands(memory: Command, run: Run): void {
  withConnection(
    memory
      .command('export')
      .description('write every memory as a line of JSON')
      .argument('<file>', 'a new file, or - for standard output')
      .addOption(timeout(30))
      .addHelpText('after', ARCHIVE_HELP),
  ).action((file, options) =>
    run(async (context) =>
      options.clientId === undefined
        ? (await import('../../commands/memory/memory-file.js')).exportMemories(context, file, options)
        : (await import('../../commands/memory/memory-own.js')).exportOwn(context, file, options),
    ),
  )
  withConnection(
    memory
      .command('import')
      .description('take memories from an export, each with its id and times')
      .argument('<file>', 'a file that `jamey memory export` wrote, or - for standard input')
      .addOption(timeout(30))
      .addHelpText(
        'after',
        `
What is here already stays as it is, so repeating the command changes nothing. A
line that cannot be taken is told with its number, and the others are taken. From
the file nothing is announced on jamey/memory/updates.
${ARCHIVE_HELP}`,
      ),
  ).action((file, options) =>
    run(async (context) =>
      options.clientId === undefined
        ? (await import('../../commands/memory/memory-file.js')).importMemories(context, file, options)
        : (await import('../../commands/memory/memory-own.js')).importOwn(context, file, options),
    ),
  )
}
