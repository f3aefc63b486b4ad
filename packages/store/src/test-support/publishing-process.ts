import { writeSync } from 'node:fs'
import { createClient } from '@jamey/mqtt'
import type { QoS } from '@jamey/protocol'
import { openSessionStore } from '../index.js'

/** This module, for `Child`. */
export const PUBLISHING_PROCESS = 'publishing-process.ts'

/**
 * A client with its session in `path`. Publishes `payloads` (separated by commas) before it connects, prints 'stored'
 * when its store has them, and 'drained' when everything is acknowledged and it has closed.
 */
export async function run(path: string, url: string, qos: string, payloads: string): Promise<void> {
  const client = createClient({
    url,
    clientId: 'c',
    cleanStart: false,
    store: await openSessionStore({ path }),
    onBackgroundError: (error) => void writeSync(1, `${error.message}\n`),
  })
  const stored = payloads
    .split(',')
    .filter((payload) => payload !== '')
    .map((payload) => client.publish('t', payload, { qos: Number(qos) as QoS, until: 'stored' }))
  const connected = client.connect()
  await Promise.all(stored)
  writeSync(1, 'stored\n')
  await connected
  await client.drained()
  await client.close()
  writeSync(1, 'drained\n')
}
