import type { Bus } from '@jamey/bus'
import { type RequestContract, remoteFailureSchema } from '@jamey/contracts'
import { withBus } from '../client/connection.js'
import type { ClientOptions } from '../client/connection-target.js'
import { type Enveloped, envelopedRequest, serviceOf } from '../client/contract-lookup.js'
import {
  envelopeOf,
  type Qos,
  type RawCall,
  type ReplyAddress,
  requestRaw,
  topicFor,
} from '../client/raw-messages.js'
import { checkRawAction, checkService, checkTopicName } from '../client/topic-argument.js'
import { EXIT } from '../support/exit-codes.js'
import { CommandFailure, reportOf } from '../support/failure.js'
import type { CommandContext, Outcome } from '../terminal/command-context.js'
import { readPayload } from '../terminal/text-input.js'
import { jsonPayload, parseJson, textOf } from '../views/message-view.js'

export interface RequestOptions extends ClientOptions {
  readonly qos?: Qos
  readonly raw?: boolean
  readonly action?: string
  readonly service?: string
  readonly timeout: number
}

/**
 * Asks once and prints the answer: its data where the question was in an envelope, else the bytes that came back. An
 * answer that tells an error ends with the code of its kind, after the bytes.
 */
export async function request(
  context: CommandContext,
  topic: string,
  argument: string | undefined,
  options: RequestOptions,
): Outcome {
  const { terminal, interrupted } = context
  checkTopicName(topic)
  checkRawAction(options)
  checkService(options.service)
  const payload = await readPayload(context, argument)
  const message =
    options.raw === true ? undefined : envelopedRequest(topic, payload.toString('utf8'), options)
  const call = {
    qos: options.qos ?? message?.contract.qos ?? 1,
    timeoutMs: options.timeout,
    signal: interrupted,
  }
  if (message !== undefined) {
    const data = await withBus(context, options, (bus) => requestEnveloped(bus, topic, message, call))
    terminal.print(options.json ? JSON.stringify(data) : JSON.stringify(data, null, 2))
    return EXIT.success
  }
  const asked = { topic, service: options.service ?? serviceOf(topic) }
  const answer = await withBus(context, options, (bus) => requestRaw(bus, asked, () => payload, call)).catch(
    (error) => {
      throw options.raw === true ? error : unheard(error)
    },
  )
  if (options.json) terminal.printJson(jsonPayload(answer))
  else {
    terminal.write(answer)
    if (answer.at(-1) !== 0x0a) terminal.write('\n')
  }
  const failure = failureIn(parseJson(textOf(answer) ?? ''))
  if (failure === undefined) return EXIT.success
  const { code, exitCode, message: told } = reportOf(failure)
  const isForEnvelopes = code === 'invalid-message' && options.raw !== true
  throw new CommandFailure(`the answer is an error: ${told}`, {
    code,
    exitCode,
    ...(isForEnvelopes ? { hint: '--action NAME sends the payload as the data of an envelope' } : {}),
  })
}

/** The same error; one about a question that nobody answered, and a service of the bus would not have heard, says so. */
function unheard(error: unknown): unknown {
  if (!(error instanceof CommandFailure) || error.code !== 'request-timed-out') return error
  const { message, code, exitCode, hint } = error
  return new CommandFailure(message, {
    code,
    exitCode,
    hint: `a service of the bus hears envelopes alone, which --action NAME makes; else ${hint}`,
    cause: error,
  })
}

/** Sends by the bus where the QoS is the contract's own, else the same message by hand. */
async function requestEnveloped(
  bus: Bus,
  topic: string,
  message: Enveloped<RequestContract>,
  call: RawCall,
): Promise<unknown> {
  const { contract, data } = message
  // Braces in a topic of somebody's own are no parameters.
  if (call.qos === contract.qos && !topic.includes('{')) return bus.request(contract, data, call)
  const { decodeEnvelope } = await import('../support/from-bus.js')
  const at = topicFor(bus, topic, message)
  let answerTopic = topic
  const ask = async (reply: ReplyAddress) => {
    answerTopic = reply.responseTopic
    return (await envelopeOf(bus, at, message, reply)).bytes
  }
  const bytes = await requestRaw(bus, { topic: at, service: contract.service }, ask, call)
  const answer = decodeEnvelope(answerTopic, bytes)
  const failure = failureIn(answer)
  if (failure === undefined) return answer.payload.data
  throw failure
}

/** The error that an envelope tells, as the bus would throw it; undefined for everything else. */
function failureIn(answer: unknown): Error | undefined {
  const { payload } = (answer ?? {}) as { payload?: { error?: unknown } }
  const { success, data } = remoteFailureSchema.safeParse(payload?.error)
  if (!success) return undefined
  const { kind, message, retryable } = data
  return Object.assign(new Error(message), { name: 'RemoteError', kind, retryable })
}
