import { signToken, tokenAuthenticator } from '@jamey/auth'
import { RawClient, text } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { startBroker } from '../test-support/start-broker.js'

const secret = Buffer.alloc(32, 7)

async function tokenFor(sub: string, permissions: string[]): Promise<Buffer> {
  return Buffer.from(await signToken({ sub, permissions }, secret))
}

describe('tokens of @jamey/auth', () => {
  it('let their owner in, by password and by AUTH, and nobody else [promise 36]', async () => {
    const { port } = await startBroker({ authenticator: tokenAuthenticator({ secret }) })
    const password = await tokenFor('a', ['t/#'])
    const codes: number[] = []
    for (const connect of [
      { clientId: 'a', username: 'a', password },
      { clientId: 'b', username: 'b', password },
      { clientId: 'a', username: 'a', password: Buffer.from('nonsense') },
      { clientId: 'a' },
    ]) {
      const client = await RawClient.open(port)
      codes.push((await client.handshake(connect)).reasonCode)
    }
    expect(codes[0]).toBe(0)
    for (const code of codes.slice(1)) expect(code).toBeGreaterThanOrEqual(0x80)
    const method = { authenticationMethod: 'JWT', authenticationData: password }
    const client = await RawClient.connect(port, { clientId: 'a', properties: method })
    const authenticationData = await tokenFor('a', ['other/#'])
    expect(await client.publishOnce('other/x', 'm')).toBe(0x87)
    client.send({ type: 'auth', reasonCode: 0x19, properties: { ...method, authenticationData } })
    expect((await client.expect('auth')).reasonCode).toBe(0)
    expect(await client.publishOnce('other/x', 'm')).toBe(0x10)
  })

  it('keep an inbox from everybody but its owner, even from who may read everything [promise 23]', async () => {
    const { port } = await startBroker({ authenticator: tokenAuthenticator({ secret }) })
    async function connect(clientId: string, permissions: string[]): Promise<RawClient> {
      return RawClient.connect(port, {
        clientId,
        username: clientId,
        password: await tokenFor(clientId, permissions),
      })
    }
    const owner = await connect('owner', [])
    const operator = await connect('operator', ['jamey/#'])
    const service = await connect('service', ['publish:jamey/api/responses/#'])
    const inbox = 'jamey/api/responses/owner/1'
    expect((await owner.subscribe('jamey/api/responses/owner/#', 1)).reasonCodes).toEqual([1])
    expect((await operator.subscribe([{ filter: 'jamey/#' }, { filter: inbox }])).reasonCodes).toEqual([
      0, 0x87,
    ])
    expect(await service.publishOnce(inbox, 'answer')).toBe(0)
    expect(text(await owner.expect('publish'))).toBe(`${inbox}=answer q1`)
    expect(await operator.received()).toEqual([])
  })
})
