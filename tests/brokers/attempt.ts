import { type Client, PublishError, SubscriptionError } from '@jamey/mqtt'
import { pause } from './server-process.js'
import type { SystemUnderTest } from './system.js'

/** How long a server may take to say no. */
const WORD_MS = 3000
/** How long what must not come may take, once what brings it was acknowledged. */
const QUIET_MS = 200

/** What a server answered to who tried what he may not; `granted` may still mean nothing. */
export type Word = 'refused' | 'granted' | 'connection closed' | 'no answer'

/** One publish over a connection of its own, for some servers end it. */
export async function tryPublish(
  system: SystemUnderTest,
  clientId: string,
  message: { readonly topic: string; readonly payload: string; readonly retain?: boolean },
): Promise<Word> {
  const client = await system.raw(clientId)
  try {
    await client.connect({ timeoutMs: WORD_MS * 3 })
    const { topic, payload, retain = false } = message
    await client.publish(topic, payload, { qos: 1, retain, isDurable: false, timeoutMs: WORD_MS })
    return 'granted'
  } catch (error) {
    return wordOf(error, client)
  } finally {
    await client.close({ drain: false })
  }
}

/** One subscription, likewise; `during` is done while it is there, and what it brought is told. */
export async function trySubscribe(
  system: SystemUnderTest,
  clientId: string,
  filter: string,
  during: () => Promise<void>,
): Promise<{ word: Word; got: string[] }> {
  const got: string[] = []
  const client = await system.raw(clientId)
  let word: Word = 'granted'
  try {
    await client.connect({ timeoutMs: WORD_MS * 3 })
    await client.subscribe(filter, { qos: 1, timeoutMs: WORD_MS }, ({ topic }) => {
      got.push(topic)
    })
  } catch (error) {
    word = wordOf(error, client)
  }
  try {
    await during()
    if (word === 'granted') await pause(QUIET_MS)
  } finally {
    await client.close({ drain: false })
  }
  return { word, got }
}

function wordOf(error: unknown, client: Client): Word {
  if (error instanceof PublishError || error instanceof SubscriptionError) {
    if (error.code === 'refused' || error.code === 'not-supported') return 'refused'
    if (error.code === 'timeout' && client.state === 'connected') return 'no answer'
  }
  return 'connection closed'
}
