import type { LmdbSessionStore } from '../session/lmdb-session-store.js'
import type { DamagedMessage, OutboxListOptions, OutboxMessage, OutboxPage } from './outbox.js'

const PAGE_BYTES = 16_777_216

export async function pageOf(
  store: LmdbSessionStore,
  { kind, after = -1, maximumMessages = 100 }: OutboxListOptions,
): Promise<OutboxPage> {
  const upTo = Number.MAX_SAFE_INTEGER
  const range = { after, upTo, maximumMessages, maximumBytes: PAGE_BYTES }
  const page = kind === 'waiting' ? await store.read(range) : await store.readDeadLetters(range)
  return {
    messages: page.publishes.map((publish) => ({
      ...publish,
      kind,
      reason: 'reason' in publish ? publish.reason : undefined,
      isReleased: 'isReleased' in publish && publish.isReleased,
    })),
    damaged: page.damaged.map((one) => ({ kind, ...one })),
    next: page.upTo < upTo ? page.upTo : undefined,
  }
}

export async function recordOf(
  store: LmdbSessionStore,
  sequence: number,
): Promise<OutboxMessage | DamagedMessage | undefined> {
  for (const kind of ['waiting', 'dead-letter'] as const) {
    const { messages, damaged } = await pageOf(store, { kind, after: sequence - 1, maximumMessages: 1 })
    const found = messages[0] ?? damaged[0]
    if (found?.sequence === sequence) return found
  }
  return undefined
}
