import { z } from 'zod'
import { MAXIMUM_TIMEOUT_MS, MINIMUM_TIMEOUT_MS } from '../callers/call-headers.js'
import { Problem } from '../problems/problem.js'

/** The body of `POST /v1/messages/{topic}`. */
export const messageBodySchema = z.strictObject({
  /** What is sent as JSON; on a contract's topic the data of its message. */
  payload: z.unknown().optional(),
  payload_text: z.string().optional(),
  payload_base64: z.base64().optional(),
  /** 1 by default. */
  qos: z.literal([0, 1, 2]).optional(),
  /** Whether the server keeps it for later subscribers. */
  retain: z.boolean().optional(),
  content_type: z
    .string()
    .regex(/^[\x20-\x7e]{1,128}$/, { error: 'expected 1 to 128 printable characters of ASCII' })
    .optional(),
})

/** The body of `POST /v1/requests/{topic}`. */
export const requestBodySchema = z.strictObject({
  /** The data of the request, `{}` where there is none. */
  payload: z.unknown().optional(),
  /** Which of the topic's requests it is; the first one by default. */
  action: z.string().max(100).optional(),
  timeout_ms: z.int().min(MINIMUM_TIMEOUT_MS).max(MAXIMUM_TIMEOUT_MS).optional(),
})

export type MessageBody = z.output<typeof messageBodySchema>

/** The bytes of a message, and what tells receivers how to read them. */
export interface MessageContent {
  readonly bytes: Uint8Array
  readonly contentType: string | undefined
  /** True where the bytes are text in UTF-8. */
  readonly isText: boolean
}

/** Throws a `Problem` 400 unless the body has its payload in one form. */
export function contentOf(body: MessageBody): MessageContent {
  const { payload, payload_text: text, payload_base64: base64, content_type: contentType } = body
  if ([payload, text, base64].filter((form) => form !== undefined).length !== 1) {
    const detail = 'There must be one of payload (any JSON), payload_text and payload_base64.'
    throw new Problem('invalid-input', detail, { field: 'payload' })
  }
  if (text !== undefined) return { bytes: Buffer.from(text), contentType, isText: true }
  if (base64 !== undefined) return { bytes: Buffer.from(base64, 'base64'), contentType, isText: false }
  const bytes = Buffer.from(JSON.stringify(payload))
  return { bytes, contentType: contentType ?? 'application/json', isText: true }
}
