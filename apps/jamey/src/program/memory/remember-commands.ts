import { type Command, Option } from 'commander'
import type { TextFormat } from '../../support/memory-pieces.js'
import type { Run } from '../../terminal/command-context.js'
import {
  collect,
  parseDurationMs,
  parseImportance,
  parseLimit,
  parseMoment,
  parseNumber,
} from '../arguments.js'
import { timeout, withConnection } from '../client-options.js'
import { collectLayer, layer, scope, withCircumstances } from './memory-options.js'

const FORMATS: readonly TextFormat[] = ['markdown', 'text', 'json-lines']

/** The defaults of the memory service, which is not loaded to read a command line; a test holds the two in step. */
const LIFETIMES = `working 1 hour,
short_term (where none is given) 1 day, episodic 90 days, semantic for good,
long_term for good`

const REMEMBER_HELP = `
How long a memory is kept follows from its layer: ${LIFETIMES}.
JAMEY_MEMORY_TTL_<LAYER>_SECONDS of the memory service changes that, and --ttl for
this one.

With --file each paragraph becomes a memory, that of Markdown below its headings;
of JSON lines each line, a text in quotes or an object with "content". The same
file again changes what was edited and stores what is new; what is gone from it
stays unless --prune is given. docs/memories.md has more.`

/** The three commands that memories are used with every day. */
export function addRememberCommands(program: Command, run: Run): void {
  addRemember(program, run)
  addRecall(program, run)
  addForget(program, run)
}

function addRemember(program: Command, run: Run): void {
  withConnection(
    program
      .command('remember')
      .description('store a memory, or a whole text paragraph by paragraph')
      .argument('[text]', 'what to remember; - reads standard input')
      .option('--file <path>', 'store this text file, or - for standard input, one memory per paragraph')
      .addOption(
        new Option('--format <name>', 'what the file is, where its ending does not say').choices(FORMATS),
      )
      .option('--prune', 'forget what is no longer in the file')
      .addOption(layer('where to keep it'))
      .option('--tag <tag>', 'a tag; may be given several times', collect)
      .option('--importance <n>', 'from 0 to 1', parseImportance)
      .option('--metadata <json>', 'a JSON object of your own making')
      .addOption(scope('who may recall it: private (the default), shared, or group:NAME'))
      .addOption(new Option('--shared', 'the same as --scope shared').conflicts('scope'))
      .option('--session <id>', 'the conversation or run it belongs to')
      .option('--turn <n>', 'its place in the session', parseNumber)
      .option('--origin <text>', 'where it came from; of a file its address, unless this is given')
      .option('--untrusted', 'it came from somebody who is not believed')
      .option('--valid-from <moment>', 'when it begins to hold', parseMoment)
      .option('--valid-to <moment>', 'when it ends to hold', parseMoment)
      .option('--ttl <duration>', 'how long to keep it, such as 30m, 2h or 7d', parseDurationMs)
      .option('--supersedes <id>', 'the memory that holds no longer when this one does')
      .option('--key <text>', 'stored once under this key, however often it is sent')
      .option('--for <client-id>', 'whose memory it is to be, where you may store for others')
      .addOption(timeout(30))
      .addHelpText('after', REMEMBER_HELP),
  ).action((text, options) =>
    run(async (context) =>
      (await import('../../commands/memory/remember.js')).remember(context, text, options),
    ),
  )
}

function addRecall(program: Command, run: Run): void {
  withConnection(
    withCircumstances(
      program
        .command('recall')
        .description('find memories, best first')
        .argument('[query]', 'words to look for; without them the newest memories')
        .addOption(layer('only this layer; may be given several times').argParser(collectLayer))
        .option('--tag <tag>', 'only with this tag; may be given several times', collect)
        .option('--from <moment>', 'not older than this', parseMoment)
        .option('--to <moment>', 'not newer than this', parseMoment),
    )
      .option('--as-of <moment>', 'what was known and held then', parseMoment)
      .option('--all', 'also what holds no longer, or was replaced')
      .option('--explain', 'say why each was found')
      .option('--limit <n>', 'how many, 1 to 100', parseLimit, 10)
      .option('--cursor <text>', 'the page after the one that told it')
      .option('--others', 'among the memories of everybody, where you may read them')
      .option('--owner <client-id>', 'only those of this client, where you may read them')
      .addOption(timeout(30)),
  ).action((query, options) =>
    run(async (context) => (await import('../../commands/memory/recall.js')).recall(context, query, options)),
  )
}

function addForget(program: Command, run: Run): void {
  withConnection(
    withCircumstances(
      program
        .command('forget')
        .description('remove memories by id, or all that fit every given condition')
        .argument('[id...]', 'ids, as `jamey recall` prints them')
        .addOption(layer('all of this layer'))
        .option('--tag <tag>', 'all with this tag; may be given several times', collect)
        .option('--before <moment>', 'all from before this', parseMoment),
    )
      .option('--others', "whosever they are, where you may forget what is others'")
      .option('--owner <client-id>', 'all of this client, where you may forget them')
      .option('--dry-run', 'say how many there are, and forget none')
      .option('--yes', 'do not ask where conditions fit more than 100')
      .addOption(timeout(30)),
  ).action((ids, options) =>
    run(async (context) => (await import('../../commands/memory/forget.js')).forget(context, ids, options)),
  )
}
