// The same, as it is meant to be run: TLS 1.3, a token for everybody, and nothing allowed that is not listed.
import { randomBytes } from 'node:crypto'
import { createAuthority, issueServerCertificate, signToken, tokenAuthenticator } from '@jamey/auth'
import { createBroker } from '@jamey/broker'
import { connect } from '@jamey/mqtt'

const authority = await createAuthority()
const server = await issueServerCertificate(authority, { hosts: ['localhost', '127.0.0.1'] })
const secret = randomBytes(32)
const broker = await createBroker({
  listeners: [{ host: '127.0.0.1', port: 0, tls: { cert: server.certPem, key: server.keyPem } }],
  authenticator: tokenAuthenticator({ secret }),
})
await broker.listen()

const client = await connect({
  url: `mqtts://127.0.0.1:${broker.addresses[0].port}`,
  clientId: 'robot',
  tls: { ca: authority.certPem },
  // Asked again for every connection, so no retry ever uses an expired token.
  credentials: async () => ({
    username: 'robot',
    password: await signToken({ sub: 'robot', permissions: ['publish:factory/robot/+'] }, secret),
  }),
})
const { reasonCode } = await client.publish('factory/robot/arm', 'up', { qos: 1 })
console.log(`factory/robot/arm: 0x${reasonCode.toString(16)}`)
await client
  .publish('factory/gate', 'open', { qos: 1 })
  .catch((error) => console.log(`factory/gate: ${error.name}`))
await client.subscribe('#', () => {}).catch((error) => console.log(`#: ${error.name}`))
await client.close()
await broker.close()

// prints:
// factory/robot/arm: 0x10
// factory/gate: PublishError
// #: SubscriptionError
