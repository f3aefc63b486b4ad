import { z } from 'zod'
import { isoTime } from './fields.js'

/** What a `message_id` and a `correlation_id` look like: a UUID of any version, in either case; without a flag, which JSON Schema would lose. */
export const UUID = /^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/

const uuid = z.string().regex(UUID, { error: 'must be a UUID' })

/** The envelope of every message. Fields we do not know are let through, so that others may add to the metadata. */
export const envelopeSchema = z.object({
  message_id: uuid,
  timestamp: isoTime,
  topic: z.string().min(1),
  payload: z.looseObject({ action: z.string().min(1) }),
  metadata: z.looseObject({
    client_id: z.string().min(1),
    correlation_id: uuid,
    reply_to: z.string().min(1).optional(),
    traceparent: z.string().optional(),
    on_behalf_of: z
      .looseObject({ client_id: z.string().min(1), permissions: z.array(z.string()) })
      .optional(),
  }),
})
