import type { Bus } from '@jamey/bus'
import type { RequestContract } from '@jamey/contracts'
import type { ClientOptions, CommandContext, Outcome } from '../command-context.js'
import { withBus } from '../connection.js'
import { type Enveloped, envelopedRequest } from '../contract-lookup.js'
import { EXIT } from '../exit-codes.js'
import { jsonPayload } from '../message-view.js'
import { envelopeOf, type Qos, type RawCall, type ReplyAddress, requestRaw } from '../raw-messages.js'
import { readPayload } from '../text-input.js'
import { checkTopicName } from '../topic-argument.js'

export interface RequestOptions extends ClientOptions {
  readonly qos?: Qos
  readonly raw?: boolean
  readonly timeout: number
}

/** Asks once and prints the answer: typed on a contract's topic, else the bytes that came back. */
export async function request(
  context: CommandContext,
  topic: string,
  argument: string | undefined,
  options: RequestOptions,
): Outcome {
  const { terminal, interrupted } = context
  checkTopicName(topic)
  const payload = await readPayload(context, argument)
  const message = options.raw === true ? undefined : envelopedRequest(topic, payload.toString('utf8'))
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
  const answer = await withBus(context, options, (bus) => requestRaw(bus, topic, () => payload, call))
  if (options.json) terminal.printJson(jsonPayload(answer))
  else {
    terminal.write(answer)
    if (answer.at(-1) !== 0x0a) terminal.write('\n')
  }
  return EXIT.success
}

/** By the bus where the QoS is the contract's own, else the same message by hand. */
async function requestEnveloped(
  bus: Bus,
  topic: string,
  message: Enveloped<RequestContract>,
  call: RawCall,
): Promise<unknown> {
  const { contract, data } = message
  if (call.qos === contract.qos) return bus.request(contract, data, call)
  const { decodeEnvelope, RemoteError } = await import('@jamey/bus')
  const { remoteFailureSchema } = await import('@jamey/contracts')
  let answerTopic = topic
  const ask = async (reply: ReplyAddress) => {
    answerTopic = reply.responseTopic
    return (await envelopeOf(bus, topic, message, reply)).bytes
  }
  const bytes = await requestRaw(bus, topic, ask, call)
  const answer = decodeEnvelope(answerTopic, bytes)
  const failure = remoteFailureSchema.safeParse(answer.payload.error)
  if (!failure.success) return answer.payload.data
  throw new RemoteError(failure.data.kind, failure.data.message, failure.data.retryable)
}
