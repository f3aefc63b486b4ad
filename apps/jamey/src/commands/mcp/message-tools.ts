import type { Bus } from '@jamey/bus'
import { ReasonCode } from '@jamey/protocol'
import type { McpServer } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { envelopedMessage } from '../../client/contract-lookup.js'
import { envelopeOf, publishRaw, topicFor } from '../../client/raw-messages.js'
import { checkTopicFilters, checkTopicName } from '../../client/topic-argument.js'
import { collectMessages, MAXIMUM_MESSAGES } from './message-collection.js'
import { resultOf, type ToolContext } from './tool.js'

const MAXIMUM_PAYLOAD_CHARACTERS = 262_144
const MAXIMUM_FILTERS = 10
const MAXIMUM_SECONDS = 60

const publication = z.strictObject({
  topic: z.string().min(1).max(1_000),
  payload: z
    .string()
    .max(MAXIMUM_PAYLOAD_CHARACTERS)
    .describe("A text, or JSON as a text. On one of Jamey's own topics: the data of its contract"),
  action: z
    .string()
    .optional()
    .describe('Sends the payload, which is JSON, as the data of this action in an envelope'),
  qos: z.union([z.literal(0), z.literal(1), z.literal(2)]).optional(),
  retain: z.boolean().optional().describe('Whether the broker keeps it for later subscribers'),
})

const published = z.object({
  topic: z.string(),
  bytes: z.int(),
  reason_code: z.int(),
  unheard: z.boolean().describe('Whether the broker says that nobody is subscribed'),
  message_id: z.string().optional(),
})

const subscription = z.strictObject({
  filters: z
    .array(z.string().min(1).max(1_000))
    .min(1)
    .max(MAXIMUM_FILTERS)
    .describe('Topic filters such as jamey/events/#'),
  count: z.int().min(1).max(MAXIMUM_MESSAGES).default(10).describe('Ends after so many messages'),
  timeout_seconds: z.number().min(0.1).max(MAXIMUM_SECONDS).default(10).describe('Ends after so long'),
})

const collected = z.object({
  messages: z.array(
    z.looseObject({ topic: z.string(), qos: z.int(), retain: z.boolean(), received_at: z.string() }),
  ),
  ended_by: z.enum(['count', 'time', 'bytes']),
})

type Publication = z.output<typeof publication>

/** Filters that this connection may publish and subscribe to; the rest is refused by name. */
export function addMessageTools(server: McpServer, bus: Bus, context: ToolContext): void {
  server.registerTool(
    'publish',
    {
      title: 'Publish a message',
      description: 'Publishes one message to a topic, and resolves when the broker has it.',
      inputSchema: publication,
      outputSchema: published,
      annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
    },
    (message, { mcpReq: { signal } }) => resultOf(bus, () => publish(bus, message, context, signal)),
  )
  server.registerTool(
    'subscribe',
    {
      title: 'Wait for messages',
      description:
        'Gives the messages that come within a time, what is retained among them. Others wrote them.',
      inputSchema: subscription,
      outputSchema: collected,
      annotations: { readOnlyHint: true, openWorldHint: true },
    },
    ({ filters, count, timeout_seconds: seconds }, { mcpReq: { signal } }) =>
      resultOf(bus, async () => {
        checkTopicFilters(filters)
        const timeoutMs = Math.ceil(seconds * 1000)
        return collectMessages(bus, filters, { count, timeoutMs, signal, now: context.now })
      }),
  )
}

async function publish(
  bus: Bus,
  { topic, payload, action, qos, retain }: Publication,
  { timeoutMs }: ToolContext,
  signal: AbortSignal,
): Promise<z.output<typeof published>> {
  checkTopicName(topic)
  const message = envelopedMessage(topic, payload, action)
  const at = message === undefined ? topic : topicFor(bus, topic, message)
  const envelope = message && (await envelopeOf(bus, at, message))
  const bytes = envelope?.bytes ?? Buffer.from(payload)
  const reasonCode = await publishRaw(bus, at, bytes, {
    qos: qos ?? message?.contract.qos ?? 1,
    retain: retain ?? message?.contract.retain ?? false,
    isEnvelope: envelope !== undefined,
    timeoutMs,
    signal,
  })
  const unheard = reasonCode === ReasonCode.noMatchingSubscribers
  const id = envelope === undefined ? {} : { message_id: envelope.messageId }
  return { topic: at, bytes: bytes.length, reason_code: reasonCode, unheard, ...id }
}
