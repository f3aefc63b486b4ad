import type { Bus } from '@jamey/bus'
import type { Message } from '@jamey/mqtt'
import { withBus } from '../client/connection.js'
import type { ClientOptions } from '../client/connection-target.js'
import { watchStates } from '../client/connection-watch.js'
import { assertPermitted } from '../client/permission-refusal.js'
import type { Qos } from '../client/raw-messages.js'
import { checkTopicFilters } from '../client/topic-argument.js'
import { EXIT, type ExitCode } from '../support/exit-codes.js'
import { CommandFailure } from '../support/failure.js'
import type { CommandContext, Outcome } from '../terminal/command-context.js'
import { viewOf } from '../terminal/view.js'
import { formatMessage, jsonMessage } from '../views/message-view.js'

export interface SubOptions extends ClientOptions {
  readonly qos: Qos
  readonly count?: number
  readonly raw?: boolean
  readonly timeout?: number
}

/**
 * Prints messages until it has `--count`, nothing came for `--timeout`, or somebody stops it, which is success. In an
 * outage it waits for the broker; a connection that ends for good is a failure.
 */
export async function sub(context: CommandContext, filters: readonly string[], options: SubOptions): Outcome {
  return watch(context, filters, options, (message) => show(message, context, options))
}

/** The same with what `shows` does of each message. */
export async function watch(
  context: CommandContext,
  filters: readonly string[],
  options: SubOptions,
  shows: (message: Message, bus: Bus) => void,
): Outcome {
  checkTopicFilters(filters)
  return withBus(context, options, async (bus) => {
    assertPermitted(bus, 'subscribe', filters)
    const states = watchStates(bus, context)
    const print = (message: Message): void => shows(message, bus)
    try {
      return await Promise.race([printMessages(bus, context, filters, { ...options, print }), states.ended])
    } finally {
      states.stop()
    }
  })
}

async function printMessages(
  bus: Bus,
  context: CommandContext,
  filters: readonly string[],
  options: SubOptions & { readonly print: (message: Message) => void },
): Promise<ExitCode> {
  const { terminal, interrupted } = context
  let left = options.count ?? Number.POSITIVE_INFINITY
  let timer: NodeJS.Timeout | undefined
  let end: (code: ExitCode) => void = () => {}
  const ended = new Promise<ExitCode>((resolve) => {
    end = resolve
  })
  const waitOn = () => {
    if (options.timeout === undefined) return
    clearTimeout(timer)
    timer = setTimeout(() => end(EXIT.timeout), options.timeout)
  }
  const stop = () => end(EXIT.success)
  interrupted.addEventListener('abort', stop)
  try {
    // Retained messages come together with the acknowledgement, and are shown behind the line that tells of it.
    let early: Message[] | undefined = []
    const receive = (message: Message) => {
      if (early !== undefined) early.push({ ...message, payload: Uint8Array.from(message.payload) })
      else print(message)
      // A reader that stands still has the broker wait, not the memory of this process.
      return terminal.output.drained()
    }
    const print = (message: Message) => {
      if (left <= 0) return
      left -= 1
      options.print(message)
      if (left === 0) stop()
      else waitOn()
    }
    await Promise.all(
      filters.map((filter) => bus.mqtt.subscribe(filter, { qos: options.qos, signal: interrupted }, receive)),
    )
    terminal.note(terminal.errorColors.dim(`subscribed to ${filters.join(', ')}; Ctrl-C ends`))
    const waiting = early
    early = undefined
    for (const message of waiting) print(message)
    waitOn()
    const code = await ended
    if (code === EXIT.timeout) throw nothingCame(options)
    return code
  } catch (error) {
    if (interrupted.aborted) return EXIT.success
    throw error
  } finally {
    clearTimeout(timer)
    interrupted.removeEventListener('abort', stop)
  }
}

function show(message: Message, context: CommandContext, options: SubOptions): void {
  const { terminal, now } = context
  if (options.raw) {
    terminal.write(message.payload)
    terminal.write('\n')
  } else if (options.json) terminal.printJson(jsonMessage(message, now()))
  else terminal.print(formatMessage(message, viewOf(context)))
}

function nothingCame({ timeout = 0 }: SubOptions): CommandFailure {
  return new CommandFailure(`no message within ${timeout / 1000} s`, {
    code: 'timeout',
    exitCode: EXIT.timeout,
  })
}
