import { createAuthority, issueServerCertificate } from '@jamey/auth'
import { type AuthenticationRequest, type Broker, createBroker, insecureAuthenticator } from '@jamey/broker'
import { connect } from '@jamey/mqtt'
import { describe, expect, it, onTestFinished } from 'vitest'
import { haproxy } from '../clusters/haproxy.js'

/** One URL, HAProxy behind it in TCP mode, and TLS with the brokers behind that. */

const BALANCER = '127.0.0.9'

async function setUp({ tellsAddress = true } = {}) {
  const authority = await createAuthority()
  // The name of the balancer, for that is what clients ask for.
  const { certPem, keyPem } = await issueServerCertificate(authority, { hosts: ['127.0.0.1'] })
  const seen: { readonly broker: number; readonly address: string | undefined }[] = []
  const start = async (number: number): Promise<Broker> => {
    const open = insecureAuthenticator()
    const broker = await createBroker({
      listeners: [
        {
          host: '127.0.0.1',
          port: 0,
          tls: { cert: certPem, key: keyPem },
          proxyProtocol: tellsAddress && { trusted: [`${BALANCER}/32`] },
        },
      ],
      authenticator: {
        authenticate: (request: AuthenticationRequest) => {
          seen.push({ broker: number, address: request.remoteAddress })
          return open.authenticate(request)
        },
      },
    })
    await broker.listen()
    onTestFinished(() => broker.close().then(() => {}))
    return broker
  }
  const brokers = [await start(1), await start(2)]
  const ports = brokers.map(({ addresses }) => addresses[0]?.port ?? 0)
  const balancer = await haproxy({ ports, source: BALANCER, tellsAddress })
  onTestFinished(() => balancer.close())
  const client = await connect({
    url: `mqtts://127.0.0.1:${balancer.port}`,
    tls: { ca: authority.certPem },
    clientId: 'balanced',
  })
  onTestFinished(() => client.close({ drain: false }).then(() => {}))
  return { brokers, seen, client }
}

describe('a client whose URL is a load balancer', () => {
  it('is seen by the broker with its own address, told by the PROXY protocol', async () => {
    const { seen } = await setUp()
    expect(seen).toEqual([{ broker: 1, address: '127.0.0.1' }])
  })

  it('is seen with the address of the balancer without it', async () => {
    const { seen } = await setUp({ tellsAddress: false })
    expect(seen).toEqual([{ broker: 1, address: BALANCER }])
  })

  it('goes on at the next broker when the first one ends, with what it published meanwhile', async () => {
    const { brokers, seen, client } = await setUp()
    const arrived: string[] = []
    await client.subscribe('lab/#', { qos: 1 }, ({ payload }) => {
      arrived.push(Buffer.from(payload).toString())
    })
    await client.publish('lab/a', 'before', { qos: 1 })
    await brokers[0]?.close()
    await client.publish('lab/a', 'after', { qos: 1 })
    await expect.poll(() => arrived).toContain('after')
    expect(seen.at(-1)).toEqual({ broker: 2, address: '127.0.0.1' })
  })
})
