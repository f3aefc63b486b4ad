// Who may be connected at all, decided when everything else has said yes: here, while the shop is open.
import { createBroker, insecureAuthenticator } from '@jamey/broker'
import { connect } from '@jamey/mqtt'

let isOpen = true
const broker = await createBroker({
  listeners: [{ host: '127.0.0.1', port: 0, insecure: true }],
  authenticator: insecureAuthenticator(),
  hooks: {
    // Before CONNACK. What `reason` says is told to the client, so it must hold no secrets.
    onConnect: ({ clientId, protocolVersion }) => {
      if (!isOpen) return { refuse: 0x88, reason: 'closed until tomorrow' }
      console.log(`${clientId} connects with MQTT ${protocolVersion}`)
    },
  },
})
await broker.listen()

const url = `mqtt://127.0.0.1:${broker.addresses[0].port}`
const ann = await connect({ url, clientId: 'ann' })
await ann.close()
isOpen = false
await connect({ url, clientId: 'bob', reconnect: false }).catch((error) =>
  console.log(`bob: ${error.message.slice(-21)}`),
)
await broker.close()

// prints:
// ann connects with MQTT 5
// bob: closed until tomorrow
