import type { MemoryLayer } from '@jamey/contracts'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Run } from '../terminal/command-context.js'
import {
  collect,
  parseAttestationSeconds,
  parseCount,
  parseImportance,
  parseJsonObject,
  parseLimit,
  parseMoment,
  parseQos,
  parseTimeoutMs,
} from './arguments.js'
import { timeout, withConnection } from './client-options.js'

/** The commands that talk to a running broker. */
export function addClientCommands(program: Command, run: Run): void {
  addConscienceCommands(program, run)
  addAttestCommand(program, run)
  addMemoryCommands(program, run)
  addMessageCommands(program, run)
}

function addConscienceCommands(program: Command, run: Run): void {
  withConnection(
    program
      .command('evaluate')
      .description('ask the conscience whether a call of a tool, or an action in words, may be done')
      .argument('[action]', 'the action in words')
      .option('--tool <name>', 'judge a call of this tool')
      .option('--arguments <json>', 'of the call: a JSON object, @file, or - for standard input')
      .option('--intent <text>', 'why the agent makes the call, in its own words')
      .option('--session <id>', 'which session the call belongs to')
      .option('--context <json>', 'facts about the situation, a JSON object', parseJsonObject)
      .option('--user <json>', 'facts about the user, a JSON object', parseJsonObject)
      .addOption(timeout(30))
      .addHelpText('after', "\nExit code 0: allow; 3: deny, or ask, which is a person's to decide."),
  ).action((action, options) =>
    run(async (context) => (await import('../commands/evaluate.js')).evaluate(context, action, options)),
  )
}

function addAttestCommand(program: Command, run: Run): void {
  withConnection(
    program
      .command('attest')
      .description('vouch for the circumstances of a request that somebody else made')
      .argument('<digest>', 'the request, as its verdict names it: sha256:...')
      .requiredOption('--requester <client-id>', 'whose request it is, as the verdict tells')
      .option('--fact <name=value>', 'such as confirmed=true; may be given several times', collect)
      .option('--for <seconds>', 'how long it counts, at most a day', parseAttestationSeconds, 300)
      .option('--withdraw', 'take back what you said about it')
      .addOption(timeout(30))
      .addHelpText(
        'after',
        `
What a requester says of itself can only speak against its action. What somebody
else says, who may publish to jamey/conscience/facts/+/<client id>, counts either way,
for that very request, until it expires.`,
      ),
  ).action((digest, options) =>
    run(async (context) => (await import('../commands/attest.js')).attest(context, digest, options)),
  )
}

/** The layers of the contracts, which are not loaded to read a command line; a test holds the two in step. */
export const LAYERS: readonly MemoryLayer[] = ['working', 'short_term', 'episodic', 'semantic', 'long_term']

/** The defaults of the memory service, likewise. */
const LIFETIMES = `working 1 hour,
short_term (where none is given) 1 day, episodic 90 days, semantic for good,
long_term for good`

function addMemoryCommands(program: Command, run: Run): void {
  withConnection(
    program
      .command('remember')
      .description('store a memory, or a whole text paragraph by paragraph')
      .argument('[text]', 'what to remember')
      .option('--file <path>', 'store this text file, or - for standard input, one memory per paragraph')
      .addOption(layer('where to keep it'))
      .option('--tag <tag>', 'a tag; may be given several times', collect)
      .option('--importance <n>', 'from 0 to 1', parseImportance)
      .option('--shared', 'let everybody recall it; otherwise it is yours alone')
      .option('--for <client-id>', 'whose memory it is to be, where you may store for others')
      .addOption(timeout(30))
      .addHelpText(
        'after',
        `
How long a memory is kept follows from its layer: ${LIFETIMES}.
JAMEY_MEMORY_TTL_<LAYER>_SECONDS of the memory service changes that.

With --file every paragraph's identifier follows from its text, layer, tags and
importance: storing the same file again stores nothing twice.`,
      ),
  ).action((text, options) =>
    run(async (context) => (await import('../commands/remember.js')).remember(context, text, options)),
  )
  withConnection(
    program
      .command('recall')
      .description('find memories, best first')
      .argument('[query]', 'words to look for; without them the newest memories')
      .addOption(layer('only this layer; may be given several times').argParser(collectLayer))
      .option('--tag <tag>', 'only with this tag; may be given several times', collect)
      .option('--from <moment>', 'not older than this', parseMoment)
      .option('--to <moment>', 'not newer than this', parseMoment)
      .option('--limit <n>', 'how many, 1 to 100', parseLimit, 10)
      .option('--others', 'among the memories of everybody, where you may read them')
      .option('--owner <client-id>', 'only those of this client, where you may read them')
      .addOption(timeout(30)),
  ).action((query, options) =>
    run(async (context) => (await import('../commands/recall.js')).recall(context, query, options)),
  )
  withConnection(
    program
      .command('forget')
      .description('remove memories by id, or all that fit every given condition')
      .argument('[id...]', 'ids, as `jamey recall` prints them')
      .addOption(layer('all of this layer'))
      .option('--tag <tag>', 'all with this tag; may be given several times', collect)
      .option('--before <moment>', 'all from before this', parseMoment)
      .option('--others', 'whosever they are, where you may forget what is others')
      .option('--owner <client-id>', 'all of this client, where you may forget them')
      .option('--yes', 'do not ask where conditions fit more than 100')
      .addOption(timeout(30)),
  ).action((ids, options) =>
    run(async (context) => (await import('../commands/forget.js')).forget(context, ids, options)),
  )
}

const ENVELOPE_HELP = `
On a topic of Jamey's own the payload is the JSON data of its contract, or
{"action": ..., "data": ...} where several share a topic; it is checked and put
into the envelope. On a topic of your own --action NAME does the same for any
JSON, as \`bus.serve\` and \`bus.subscribe\` expect it; without it, and with --raw,
the bytes are sent as they are.`

const REQUEST_HELP = `
An answer that tells an error ends with the code of its kind: 2 for what is asked
wrongly, 3 refused, 4 too late, 5 not available, 1 for all others.`

function addMessageCommands(program: Command, run: Run): void {
  withConnection(
    program
      .command('sub')
      .description('print messages as they arrive')
      .argument('<filter...>', "topic filters such as 'jamey/events/#'")
      .addOption(qos(1))
      .option('--count <n>', 'end after so many messages', parseCount)
      .option('--raw', 'print the payloads alone, each followed by a line break')
      .option('--timeout <seconds>', 'end with code 4 when nothing arrived for so long', parseTimeoutMs),
  ).action((filters, options) =>
    run(async (context) => (await import('../commands/sub.js')).sub(context, filters, options)),
  )
  withConnection(
    program
      .command('pub')
      .description('publish a message')
      .argument('<topic>', 'where to')
      .argument('[payload]', 'what; - reads standard input, nothing is an empty payload')
      .addOption(qos())
      .option('--retain', 'let the broker keep it for later subscribers')
      .option('--action <name>', 'send the payload as the data of this action, in an envelope')
      .option('--raw', 'send the bytes as they are')
      .addOption(timeout(30))
      .addHelpText('after', ENVELOPE_HELP),
  ).action((topic, payload, options) =>
    run(async (context) => (await import('../commands/pub.js')).pub(context, topic, payload, options)),
  )
  withConnection(
    program
      .command('request')
      .description('send a request and print its answer')
      .argument('<topic>', 'where to')
      .argument('[payload]', 'what to ask; - reads standard input')
      .addOption(qos())
      .option('--action <name>', 'send the payload as the data of this action, in an envelope')
      .option('--raw', 'send the bytes as they are and print the answer as it is')
      .option('--service <name>', 'who answers, on a topic of your own (default: its first level)')
      .addOption(timeout(30))
      .addHelpText('after', ENVELOPE_HELP + REQUEST_HELP),
  ).action((topic, payload, options) =>
    run(async (context) =>
      (await import('../commands/request.js')).request(context, topic, payload, options),
    ),
  )
}

function qos(fallback?: 0 | 1 | 2): Option {
  const option = new Option('--qos <n>', 'quality of service, 0, 1 or 2').argParser(parseQos)
  return fallback === undefined ? option : option.default(fallback)
}

function layer(description: string): Option {
  return new Option('--layer <name>', description).choices(LAYERS)
}

function collectLayer(value: string, previous: readonly string[] = []): string[] {
  const known: readonly string[] = LAYERS
  if (known.includes(value)) return [...previous, value]
  throw new InvalidArgumentError(`Expected one of ${LAYERS.join(', ')}.`)
}
