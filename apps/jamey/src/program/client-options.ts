import { type Command, Option } from 'commander'
import { collect, parseTimeoutMs } from './arguments.js'

/** The options of every command that connects. */
export function withConnection(command: Command): Command {
  const connection = [
    new Option('--data-dir <folder>', 'the folder of the running `jamey up`, instead of the nearest .jamey'),
    new Option('--client-id <id>', 'connect under this name'),
    new Option(
      '--permission <filter>',
      "ask for this in place of jamey/#: a topic filter, or 'publish:FILTER', 'subscribe:FILTER' for one half; may be given several times (default: MQTT_PERMISSIONS with MQTT_BROKER_URL, else jamey/#)",
    ).argParser(collect),
  ]
  for (const option of connection) command.addOption(option.helpGroup('Connection:'))
  return command.option('--json', 'print one JSON object per line, and errors as JSON on standard error')
}

export function timeout(seconds: number, what = 'how long to wait'): Option {
  return waiting('--timeout', what, seconds)
}

/** An option in seconds, which the command gets in milliseconds and the help shows as it is typed. */
export function waiting(flag: `--${string}`, what: string, seconds: number): Option {
  return new Option(`${flag} <seconds>`, what)
    .argParser(parseTimeoutMs)
    .default(seconds * 1000, String(seconds))
}
