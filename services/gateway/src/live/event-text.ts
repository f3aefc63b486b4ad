import type { MqttMessage } from '@jamey/bus'

/** User properties that say who sent a message and for whom: what is vouched for is told as `sender` and `on_behalf_of`. */
const STAMPS = new Set(['jamey-sender', 'jamey-act-for', 'jamey-on-behalf-of'])
/** What is nested deeper is told as text: neither this process nor a page could write it as JSON again. */
const MAXIMUM_DEPTH = 64
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** A message as viewers get it; what is undefined is left out. */
export interface ShownMessage {
  readonly topic: string
  /** The payload where it is JSON. */
  readonly payload?: unknown
  /** The payload where it is other text. */
  readonly payload_text?: string | undefined
  /** The payload where it is no text. */
  readonly payload_base64?: string | undefined
  readonly qos: number
  /** True where the server kept it, rather than its being sent just now. */
  readonly retain: boolean
  /** The client that published it, or says so. */
  readonly sender?: string | undefined
  /** True where the server vouches for the sender. */
  readonly is_verified: boolean
  /** The client for whom it was published, where another did that may act for it. */
  readonly on_behalf_of?: string | undefined
  readonly received_at: string
  readonly content_type?: string | undefined
  readonly user_properties?: readonly (readonly [string, string])[] | undefined
}

/** The clients that the bus has by a word that is good: who published, and for whom. */
export interface Vouched {
  readonly sender: string | undefined
  readonly principal: string | undefined
}

/** A message with its sender, as the server vouches for it, in the form that viewers get. */
export function shownMessage(message: MqttMessage, { sender, principal }: Vouched, now: Date): ShownMessage {
  const { topic, payload, qos, retain, properties } = message
  const shown = shownPayload(payload)
  const userProperties = properties?.userProperties?.filter(([name]) => !STAMPS.has(name))
  return {
    topic,
    ...shown,
    qos,
    retain,
    sender: sender ?? claimedSender(shown.payload),
    is_verified: sender !== undefined,
    on_behalf_of: principal === sender ? undefined : principal,
    received_at: now.toISOString(),
    content_type: properties?.contentType,
    user_properties: userProperties?.length === 0 ? undefined : userProperties,
  }
}

/** One event of a stream. JSON has no line ends, which would end a field. [HTML, section 9.2.6] */
export function eventText(event: string, data: object, id?: number): string {
  const idLine = id === undefined ? '' : `id: ${id}\n`
  return `${idLine}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}

function shownPayload(
  payload: Uint8Array,
): Pick<ShownMessage, 'payload' | 'payload_text' | 'payload_base64'> {
  let text: string
  try {
    text = utf8.decode(payload)
  } catch {
    return { payload_base64: Buffer.from(payload).toString('base64') }
  }
  try {
    const payload: unknown = JSON.parse(text)
    if (!isDeeper(payload, MAXIMUM_DEPTH)) return { payload }
  } catch {
    // It is some other text.
  }
  return { payload_text: text }
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some((member) => isDeeper(member, levels - 1))
}

/** The client that an envelope names, for which nobody vouches. */
function claimedSender(payload: unknown): string | undefined {
  const clientId = member(member(payload, 'metadata'), 'client_id')
  return typeof clientId === 'string' ? clientId : undefined
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}
