// What messages become on their way: trimmed, moved to another topic, or refused.
import { createBroker, insecureAuthenticator } from '@jamey/broker'
import { connect } from '@jamey/mqtt'

const broker = await createBroker({
  listeners: [{ host: '127.0.0.1', port: 0, insecure: true }],
  authenticator: insecureAuthenticator(),
  hooks: {
    // Asked for every allowed message, wills included. What is not named in the answer stays; nothing changes nothing.
    onPublish: ({ topic, payload }, { clientId }) => {
      const text = Buffer.from(payload).toString().trim()
      if (text === '') return { refuse: 0x99 }
      return { topic: `checked/${topic}`, payload: Buffer.from(`${text}, says ${clientId}`) }
    },
  },
})
await broker.listen()

const client = await connect({ url: `mqtt://127.0.0.1:${broker.addresses[0].port}`, clientId: 'ann' })
await client.subscribe('checked/#', ({ topic, payload }) => console.log(`${topic}: ${Buffer.from(payload)}`))
await client.publish('news', '  hello ', { qos: 1 })
await client.publish('news', '', { qos: 1 }).catch((error) => console.log(error.message))
await client.close()
await broker.close()

// prints:
// checked/news: hello, says ann
// publish to 'news' was refused by the server: payloadFormatInvalid (0x99)
