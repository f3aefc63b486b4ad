// A broker and two clients in one process. `insecure` is for trying things out on loopback only.
import { createBroker, insecureAuthenticator } from '@jamey/broker'
import { connect } from '@jamey/mqtt'

const broker = await createBroker({
  listeners: [{ host: '127.0.0.1', port: 0, insecure: true }],
  authenticator: insecureAuthenticator(),
})
await broker.listen()
const url = `mqtt://127.0.0.1:${broker.addresses[0].port}`

const listener = await connect({ url, clientId: 'listener' })
const arrived = new Promise((resolve) => {
  // The message is acknowledged when the handler's promise settles.
  listener.subscribe('weather/+', async (message) =>
    resolve(`${message.topic}: ${new TextDecoder().decode(message.payload)}`),
  )
})

const speaker = await connect({ url, clientId: 'speaker' })
const nobody = await speaker.publish('sports/chess', 'e4', { qos: 1 })
console.log(nobody.reasonCode === 0x10 ? 'nobody listens to sports/chess' : 'somebody listens')
await speaker.publish('weather/lisbon', 'sunny', { qos: 1 })
console.log(await arrived)

await speaker.close()
await listener.close()
await broker.close()

// prints:
// nobody listens to sports/chess
// weather/lisbon: sunny
