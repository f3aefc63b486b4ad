/**
 * A process of the chaos run: publishes the numbers from `first` on, `count` of them, and prints each one as soon as
 * its publish is reported stored; 'drained' once all of them are acknowledged.
 */
import { writeSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { connect } from '@jamey/mqtt'
import { openSessionStore } from '@jamey/store'

const [url, folder, life, first, count] = process.argv.slice(2)
const AT_ONCE = 200
/** So that a broker that is down is met with a backlog, but not with everything. */
const MAXIMUM_BACKLOG = 2000

const client = await connect({
  url,
  clientId: 'chaos-publisher',
  store: await openSessionStore({ path: folder }),
  cleanStart: false,
  waitForConnection: false,
  connectTimeoutMs: 1000,
  pingTimeoutMs: 1000,
  keepAliveSeconds: 2,
  reconnect: { baseDelayMs: 20, maxDelayMs: 200, failuresBeforeOpen: Number.POSITIVE_INFINITY },
})
writeSync(1, 'started\n')

let next = Number(first)
const end = next + Number(count)
const options = { qos: 1, until: 'stored' }
async function publishAll() {
  while (next < end) {
    const { queuedMessages, inFlightMessages } = client.stats()
    if (queuedMessages + inFlightMessages >= MAXIMUM_BACKLOG) {
      await setTimeout(5)
      continue
    }
    const number = next++
    // The life keeps apart what two lives published under one number, the former without having reported it.
    await client.publish('chaos/data', `${life} ${number}`, options)
    writeSync(1, `${number}\n`)
  }
}
await Promise.all(Array.from({ length: AT_ONCE }, publishAll))
await client.drained()
writeSync(1, 'drained\n')
await client.close()
