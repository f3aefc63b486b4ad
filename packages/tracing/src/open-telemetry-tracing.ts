import type { TracedMessage, Tracing } from '@jamey/bus'
import {
  type Attributes,
  type Context,
  context,
  isSpanContextValid,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  trace,
} from '@opentelemetry/api'

/** Version 1.44 of the semantic conventions for messaging, of which these are the attributes. */
const OPERATION_TYPES = { publish: 'send', request: 'send', receive: 'process', answer: 'process' } as const
const KINDS = {
  publish: SpanKind.PRODUCER,
  request: SpanKind.CLIENT,
  receive: SpanKind.CONSUMER,
  answer: SpanKind.SERVER,
} as const

const TRACEPARENT: TextMapGetter<string> = {
  keys: () => ['traceparent'],
  get: (carrier, key) => (key === 'traceparent' ? carrier : undefined),
}

/**
 * Messages as spans, for a bus (`tracing`). This is the API of OpenTelemetry alone: without an SDK, which is the user's
 * to start, there are no spans. What is sent belongs to the span that is active, else to the traceparent it was given;
 * what is handled belongs to its message's and is linked to it.
 */
export function openTelemetryTracing(): Tracing {
  const tracer = trace.getTracer('@jamey/bus', '0.1.0')
  const begin = (
    message: TracedMessage,
    parent: Context,
    links: { context: ReturnType<Span['spanContext']> }[],
  ) =>
    tracer.startSpan(
      `${message.operation} ${message.template}`,
      { kind: KINDS[message.operation], attributes: attributesOf(message), links },
      parent,
    )
  return {
    send(message) {
      const active = context.active()
      const parent = trace.getSpan(active) === undefined ? contextOf(message.traceparent, active) : active
      const span = begin(message, parent, [])
      return {
        traceparent: traceparentOf(span) ?? message.traceparent,
        end: (error?: unknown) => end(span, error),
      }
    },
    async handle(message, handle) {
      const parent = contextOf(message.traceparent, context.active())
      const from = trace.getSpanContext(parent)
      const links = from === undefined || !isSpanContextValid(from) ? [] : [{ context: from }]
      const span = begin(message, parent, links)
      try {
        const result = await context.with(trace.setSpan(parent, span), handle)
        end(span)
        return result
      } catch (error) {
        end(span, error)
        throw error
      }
    },
  }
}

function attributesOf(message: TracedMessage): Attributes {
  const { operation, topic, template, action, messageId, correlationId, clientId } = message
  return {
    'messaging.system': 'mqtt',
    'messaging.operation.name': operation,
    'messaging.operation.type': OPERATION_TYPES[operation],
    'messaging.destination.name': topic,
    'messaging.destination.template': template,
    'messaging.message.id': messageId,
    'messaging.message.conversation_id': correlationId,
    'messaging.client.id': clientId,
    'jamey.action': action,
  }
}

/** The context that a traceparent tells of; the given one where it tells of none. */
function contextOf(traceparent: string | undefined, given: Context): Context {
  return traceparent === undefined ? given : propagation.extract(given, traceparent, TRACEPARENT)
}

function traceparentOf(span: Span): string | undefined {
  const carrier: Record<string, string> = {}
  propagation.inject(trace.setSpan(context.active(), span), carrier)
  return carrier['traceparent']
}

function end(span: Span, error?: unknown): void {
  if (error !== undefined) {
    // The word that a service gave for its failure says more than that it failed.
    const { kind, code, name, message } = error as Partial<
      Record<'kind' | 'code' | 'name' | 'message', unknown>
    >
    span.setAttribute('error.type', String(kind ?? code ?? name ?? 'error'))
    span.setStatus({ code: SpanStatusCode.ERROR, message: String(message ?? error) })
  }
  span.end()
}
