import { ReasonCode } from '@jamey/protocol'
import { withBus } from '../client/connection.js'
import type { ClientOptions } from '../client/connection-target.js'
import { envelopedMessage } from '../client/contract-lookup.js'
import { envelopeOf, publishRaw, type Qos, topicFor } from '../client/raw-messages.js'
import { checkRawAction, checkTopicName } from '../client/topic-argument.js'
import { EXIT } from '../support/exit-codes.js'
import { plural } from '../support/quantities.js'
import type { CommandContext, Outcome } from '../terminal/command-context.js'
import { readPayload } from '../terminal/text-input.js'

export interface PubOptions extends ClientOptions {
  readonly qos?: Qos
  readonly retain?: boolean
  readonly raw?: boolean
  readonly action?: string
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
  checkRawAction(options)
  const payload = await readPayload(context, argument)
  // An empty retained payload takes the retained message away, also on a contract's topic.
  const isRemoval = payload.length === 0 && options.retain === true && options.action === undefined
  const isPlain = options.raw === true || isRemoval
  const message = isPlain ? undefined : envelopedMessage(topic, payload.toString('utf8'), options.action)
  const qos = options.qos ?? message?.contract.qos ?? 1
  const isRetained = options.retain ?? message?.contract.retain ?? false
  const { reasonCode, messageId, bytes, isOldServer } = await withBus(context, options, async (bus) => {
    const at = message === undefined ? topic : topicFor(bus, topic, message)
    const envelope = message && (await envelopeOf(bus, at, message))
    const sent = envelope?.bytes ?? payload
    const reasonCode = await publishRaw(bus, at, sent, {
      qos,
      retain: isRetained,
      isEnvelope: envelope !== undefined,
      timeoutMs: options.timeout,
      signal: interrupted,
    })
    const isOldServer = bus.mqtt.serverInformation?.protocolVersion === 4
    return { reasonCode, messageId: envelope?.messageId, bytes: sent.length, isOldServer }
  })
  const isUnheard = reasonCode === ReasonCode.noMatchingSubscribers
  if (options.json) {
    terminal.printJson({ topic, bytes, message_id: messageId, reason_code: reasonCode, unheard: isUnheard })
  } else terminal.print(formatPublished({ topic, reasonCode, qos, isRetained, isOldServer, bytes }))
  return EXIT.success
}

export interface Published {
  readonly topic: string
  readonly bytes: number
  readonly qos: Qos
  readonly isRetained: boolean
  readonly reasonCode: number
  /** MQTT 3.1.1 does not tell whether anybody listens. */
  readonly isOldServer: boolean
}

/** The fate of a message in words, as far as the broker tells. */
export function formatPublished({
  topic,
  bytes,
  qos,
  isRetained,
  reasonCode,
  isOldServer,
}: Published): string {
  const what = `published ${plural(bytes, 'byte', 'bytes')} to ${topic}`
  if (isRetained && bytes === 0) return `${what}: the retained message is taken away`
  const kept = isRetained ? '; kept for later subscribers' : ''
  if (qos === 0) return `${what}, which nobody acknowledges at QoS 0${kept}`
  if (reasonCode === ReasonCode.noMatchingSubscribers) return `${what}; nobody is subscribed to it now${kept}`
  return isOldServer ? `${what}${kept}` : `${what}; somebody is subscribed to it${kept}`
}
