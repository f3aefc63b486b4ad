// Permissions that come from elsewhere, a database say: everybody reads all, and writes below a topic of their own.
import { setImmediate } from 'node:timers/promises'
import { createBroker, insecureAuthenticator } from '@jamey/broker'
import { connect } from '@jamey/mqtt'

const owners = new Map([['rooms/1', 'ann']])

/** Takes its time; meanwhile the packets of this client wait, in order, and nobody else's. */
async function lookUp(clientId, topic) {
  await setImmediate()
  return owners.get(topic) === clientId
}

const broker = await createBroker({
  listeners: [{ host: '127.0.0.1', port: 0, insecure: true }],
  authenticator: insecureAuthenticator(),
  hooks: {
    // Asked for every PUBLISH, will and topic filter that the identity allows; false denies.
    authorize: ({ clientId }, action, topic) => action === 'subscribe' || lookUp(clientId, topic),
  },
})
await broker.listen()

const client = await connect({ url: `mqtt://127.0.0.1:${broker.addresses[0].port}`, clientId: 'ann' })
await client.subscribe('#', ({ topic, payload }) => console.log(`${topic}: ${Buffer.from(payload)}`))
await client.publish('rooms/1', 'warm', { qos: 1 })
await client.publish('rooms/2', 'cold', { qos: 1 }).catch((error) => console.log(error.message))
await client.close()
await broker.close()

// prints:
// rooms/1: warm
// publish to 'rooms/2' was refused by the server: notAuthorized (0x87)
