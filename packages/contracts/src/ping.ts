import { z } from 'zod'
import type { RequestContract } from './contract.js'

export const pingSchema = z.strictObject({})

export const pongSchema = z.object({
  /** The client identifier of the member that heard it. */
  client_id: z.string().min(1),
})

export type PingContract = RequestContract<typeof pingSchema, typeof pongSchema>

/**
 * The question to `service` whether requests on `topic` are heard. Every server answers it on every topic it serves, beside the
 * topic's own actions; one that does not know it refuses it, which is an answer as well.
 */
export function pingOf(topic: string, service: string): PingContract {
  return {
    topic,
    action: PING_ACTION,
    qos: 1,
    retain: false,
    schema: pingSchema,
    responseSchema: pongSchema,
    service,
    description: 'Asks whether requests on this topic are heard; answered with who heard it.',
  }
}

export const PING_ACTION = 'ping'
