// Who has gone, and how: a register of those that are there.
import { createBroker, insecureAuthenticator } from '@jamey/broker'
import { connect } from '@jamey/mqtt'

const present = new Set()
const broker = await createBroker({
  listeners: [{ host: '127.0.0.1', port: 0, insecure: true }],
  authenticator: insecureAuthenticator(),
  hooks: {
    // One object per connection: a client that was taken over connects before its former connection is gone.
    onConnect: (client) => {
      present.add(client)
    },
    // Once for each client that was let in; `broker.close` waits for what it returns.
    onDisconnect: (client, { by, reasonCode }) => {
      present.delete(client)
      console.log(`${client.clientId}: by the ${by}, 0x${reasonCode?.toString(16)}, ${present.size} left`)
    },
  },
})
await broker.listen()

const url = `mqtt://127.0.0.1:${broker.addresses[0].port}`
const ann = await connect({ url, clientId: 'ann' })
const bob = await connect({ url, clientId: 'bob', reconnect: false })
// Until it is closed, a client keeps its process; this one has nothing more to try.
bob.onState(({ state }) => state === 'disconnected' && bob.close())
await ann.close()
await broker.close()

// prints:
// ann: by the client, 0x0, 1 left
// bob: by the server, 0x8b, 0 left
