import type { Contract } from '@jamey/contracts'
import type { Message } from '../model/message.js'
import type { TracedMessage } from '../model/tracing.js'

/** A message that came, as a tracing system hears of it. */
export function tracedOf(
  operation: 'receive' | 'answer',
  { topic: template, action }: Contract,
  { topic, envelope: { message_id: messageId, metadata } }: Message<unknown>,
  clientId: string,
): TracedMessage {
  const { correlation_id: correlationId, traceparent } = metadata
  return { operation, topic, template, action, messageId, correlationId, clientId, traceparent }
}
