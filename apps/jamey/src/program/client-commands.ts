import { type Command, Option } from 'commander'
import type { Run } from '../terminal/command-context.js'
import { collect, parseAttestationSeconds, parseCount, parseQos, parseTimeoutMs } from './arguments.js'
import { timeout, withConnection } from './client-options.js'
import { addRememberCommands } from './memory/remember-commands.js'

/** The commands that talk to a running broker. */
export function addClientCommands(program: Command, run: Run): void {
  addConscienceCommands(program, run)
  addAttestCommand(program, run)
  addRememberCommands(program, run)
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
      .option('--cwd <folder>', 'the folder that the call is made in')
      .option('--session <id>', 'which session the call belongs to')
      .option('--context <json>', 'facts about the situation, a JSON object')
      .option('--user <json>', 'facts about the user, a JSON object')
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

const ENVELOPE_HELP = `
On a topic of Jamey's own the payload is the JSON data of its contract, or
{"action": ..., "data": ...} where several share a topic; it is checked and put
into the envelope. On a topic of your own --action NAME does the same for any
JSON, as \`bus.serve\` and \`bus.subscribe\` expect it; without it, and with --raw,
the bytes are sent as they are.`

const REQUEST_HELP = `
An answer that tells an error ends with the code of its kind: 2 for what is asked
wrongly, 3 refused, 4 too late, 5 not available, 1 for all others.`

const EVENTS_HELP = `
Without filters: verdicts, approvals, who is online, and failures; first what is known
of them by now, marked as (before). What happened while nobody looked is not there:
\`jamey verdicts list\` has what was decided.`

function addMessageCommands(program: Command, run: Run): void {
  withConnection(
    program
      .command('events')
      .description('show what happens, a line each')
      .argument('[filter...]', "topic filters such as 'jamey/memory/#'")
      .option('--count <n>', 'end after so many', parseCount)
      .option('--timeout <seconds>', 'end with code 4 when nothing happened for so long', parseTimeoutMs)
      .addHelpText('after', EVENTS_HELP),
  ).action((filters, options) =>
    run(async (context) => (await import('../commands/events.js')).events(context, filters, options)),
  )
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
