// A say in what the broker does: who comes and goes, who may do what, and what messages become on their way.
import { createBroker, insecureAuthenticator } from '@jamey/broker'
import { connect } from '@jamey/mqtt'

const broker = await createBroker({
  listeners: [{ host: '127.0.0.1', port: 0, insecure: true }],
  authenticator: insecureAuthenticator(),
  hooks: {
    onConnect: ({ clientId }) => console.log(`${clientId} connects`),
    onDisconnect: ({ clientId }, { by }) => console.log(`${clientId} is gone, ended by the ${by}`),
    // Asynchronous ones may ask a database; only the client in question waits, and its packets stay in order.
    authorize: async ({ clientId }, action, topic) => action === 'subscribe' || topic.endsWith(clientId),
    onPublish: ({ topic, payload }) => {
      const text = Buffer.from(payload).toString()
      if (text === '') return { refuse: 0x99 }
      return { topic: `checked/${topic}`, payload: Buffer.from(text.trim()) }
    },
  },
})
await broker.listen()

const client = await connect({ url: `mqtt://127.0.0.1:${broker.addresses[0].port}`, clientId: 'ann' })
await client.subscribe('checked/#', ({ topic, payload }) => console.log(`${topic}: ${Buffer.from(payload)}`))
const publish = (topic, text) =>
  client
    .publish(topic, text, { qos: 1 })
    .catch((error) => console.log(`${topic}: 0x${error.reasonCode.toString(16)}`))
await publish('from/ann', '  hello ')
await publish('from/bob', 'not by ann')
await publish('from/ann', '')
await client.close()
await broker.close()

// prints:
// ann connects
// checked/from/ann: hello
// from/bob: 0x87
// from/ann: 0x99
// ann is gone, ended by the client
