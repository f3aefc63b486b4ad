// What subscribers ask for, and what they miss: hooks that are told and hold nobody up.
import { createBroker, insecureAuthenticator } from '@jamey/broker'
import { connect } from '@jamey/mqtt'

let toldOfDrop
const dropped = new Promise((resolve) => {
  toldOfDrop = resolve
})
const broker = await createBroker({
  listeners: [{ host: '127.0.0.1', port: 0, insecure: true }],
  authenticator: insecureAuthenticator(),
  limits: { queuedMessages: 1 },
  hooks: {
    // One outcome for each filter of the packet, refused ones included.
    onSubscribe: ({ clientId }, outcomes) => {
      for (const { filter, reasonCode } of outcomes) console.log(clientId, 'asked for', filter, reasonCode)
    },
    onUnsubscribe: ({ clientId }, [{ filter }]) => console.log(clientId, 'left', filter),
    // Some moments after: the counters of `broker.stats()` know the same reasons.
    onDropped: ({ topic }, { clientId }, reason) => toldOfDrop(`${clientId} misses ${topic}: ${reason}`),
  },
})
await broker.listen()

const url = `mqtt://127.0.0.1:${broker.addresses[0].port}`
const ann = await connect({ url, clientId: 'ann', sessionExpirySeconds: 60, cleanStart: false })
const news = await ann.subscribe('news/#', { qos: 1 }, () => {})
await ann.subscribe('letters', { qos: 1 }, () => {})
await news.unsubscribe()
await ann.close()

// Her session stays, and its queue has room for one.
await broker.publish('letters', 'the first', { qos: 1 })
await broker.publish('letters', 'the second', { qos: 1 })
console.log(await dropped)
await broker.close()

// prints:
// ann asked for news/# 1
// ann asked for letters 1
// ann left news/#
// ann misses letters: overflow
