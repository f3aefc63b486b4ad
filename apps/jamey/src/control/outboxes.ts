import type { Bus } from '@jamey/bus'
import type { OutboxList } from '@jamey/contracts'

type Outbox = OutboxList['components'][number]

/** Dead letters of each component that are told; `jamey outbox` shows the others. */
const SHOWN = 50
const SHOWN_BYTES = 1_048_576

/** The part of a component's bus that its outbox is read from. */
export type OutboxBus = Pick<Bus, 'clientId'> & {
  readonly mqtt: Pick<Bus['mqtt'], 'explain' | 'deadLetters'>
}

/** What the components of this process have not sent, and what the broker did not take. */
export async function outboxesOf(buses: Iterable<OutboxBus>): Promise<OutboxList> {
  return { components: await Promise.all([...buses].map(outboxOf)) }
}

async function outboxOf({ clientId, mqtt }: OutboxBus): Promise<Outbox> {
  const { deadLetters } = mqtt
  const { messages, oldestAgeMs } = mqtt.explain().queue
  const dead = await deadLetters.list({ maximumMessages: SHOWN, maximumBytes: SHOWN_BYTES })
  return {
    client_id: clientId,
    waiting: messages,
    ...(oldestAgeMs === undefined ? {} : { oldest_at: new Date(Date.now() - oldestAgeMs).toISOString() }),
    dead: deadLetters.size,
    dead_letters: dead.map(({ sequence, topic, payload, reason }) => ({
      id: String(sequence),
      topic,
      reason: reason.message,
      bytes: payload.length,
    })),
  }
}
