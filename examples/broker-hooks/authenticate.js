// The last word on who comes in: only clients whose name and user name agree, and nobody for longer than an hour.
import { createBroker, insecureAuthenticator } from '@jamey/broker'
import { connect } from '@jamey/mqtt'

const broker = await createBroker({
  listeners: [{ host: '127.0.0.1', port: 0, insecure: true }],
  authenticator: insecureAuthenticator(),
  hooks: {
    // Asked after the authenticator, at CONNECT and at each renewal. Nothing returned: the identity stays as it is.
    authenticate: ({ clientId, username }, identity) => {
      if (username !== clientId)
        return { refuse: 0x85, reason: 'the client identifier must be the user name' }
      return { ...identity, expiresAtMs: Date.now() + 3_600_000 }
    },
  },
})
await broker.listen()

async function greet(clientId, username) {
  const url = `mqtt://127.0.0.1:${broker.addresses[0].port}`
  try {
    const client = await connect({ url, clientId, credentials: { username }, reconnect: false })
    console.log(`${clientId} is in`)
    await client.close()
  } catch (error) {
    console.log(`${clientId}: 0x${error.reasonCode.toString(16)}`)
  }
}
await greet('ann', 'ann')
await greet('bob', 'ann')
await broker.close()

// prints:
// ann is in
// bob: 0x85
