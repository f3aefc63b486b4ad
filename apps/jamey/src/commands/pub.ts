import type { ClientOptions, CommandContext, Outcome } from '../command-context.js'
import { withBus } from '../connection.js'
import { envelopedMessage } from '../contract-lookup.js'
import { EXIT } from '../exit-codes.js'
import { envelopeOf, NO_MATCHING_SUBSCRIBERS, publishRaw, type Qos } from '../raw-messages.js'
import { readPayload } from '../text-input.js'
import { checkTopicName } from '../topic-argument.js'

export interface PubOptions extends ClientOptions {
  readonly qos?: Qos
  readonly retain?: boolean
  readonly raw?: boolean
  readonly timeout: number
}

/** Publishes once; on a contract's topic the payload is checked and enveloped, see the command's help. */
export async function pub(
  context: CommandContext,
  topic: string,
  argument: string | undefined,
  options: PubOptions,
): Outcome {
  const { terminal, interrupted } = context
  checkTopicName(topic)
  const payload = await readPayload(context, argument)
  // An empty retained payload takes the retained message away, also on a contract's topic.
  const isPlain = options.raw === true || (payload.length === 0 && options.retain === true)
  const message = isPlain ? undefined : envelopedMessage(topic, payload.toString('utf8'))
  const { reasonCode, messageId, bytes } = await withBus(context, options, async (bus) => {
    const envelope = message && (await envelopeOf(bus, topic, message))
    const sent = envelope?.bytes ?? payload
    const reasonCode = await publishRaw(bus, topic, sent, {
      qos: options.qos ?? message?.contract.qos ?? 1,
      retain: options.retain ?? message?.contract.retain ?? false,
      isEnvelope: envelope !== undefined,
      timeoutMs: options.timeout,
      signal: interrupted,
    })
    return { reasonCode, messageId: envelope?.messageId, bytes: sent.length }
  })
  const isUnheard = reasonCode === NO_MATCHING_SUBSCRIBERS
  if (options.json) {
    terminal.printJson({ topic, bytes, message_id: messageId, reason_code: reasonCode, unheard: isUnheard })
  } else if (isUnheard) terminal.note(`published; nobody is subscribed to ${topic}`)
  return EXIT.success
}
