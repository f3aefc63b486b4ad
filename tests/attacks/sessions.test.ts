import { randomUUID } from 'node:crypto'
import { signToken } from '@jamey/auth'
import { connect } from '@jamey/mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ASKING, AttackedSystem, VERSIONS } from './system.js'

const EVALUATE = 'jamey/conscience/evaluate'
const HARMLESS = { action: 'water the plants' }
let system: AttackedSystem

beforeAll(async () => {
  system = await AttackedSystem.start()
})
afterAll(() => system?.stop())

describe.each(VERSIONS)('over MQTT %i, a token', (version) => {
  it.each(['jamey-memory', 'jamey-conscience', 'jamey-gateway', 'jamey-broker'])(
    'with the name of %s does not take its session over, and everything goes on',
    async (sub) => {
      await expect(system.peerNamed(sub, [], version)).rejects.toMatchObject({ name: 'AuthenticationError' })
      await expect(system.peerNamed(sub, ['jamey/#'], version)).rejects.toMatchObject({
        name: 'AuthenticationError',
      })
      const victim = await system.peer('victim', ASKING, version)
      await expect(victim.ask(EVALUATE, 'evaluate', HARMLESS)).resolves.toHaveProperty('data.approved')
      expect((await system.call('/readyz', undefined)).status).toBe(200)
    },
  )

  it('of one client connects no other', async () => {
    const token = await system.token('attacker', ASKING)
    const attempt = connect({
      url: system.url,
      clientId: `victim-${randomUUID()}`,
      protocolVersion: version,
      tls: { ca: system.ca },
      credentials: { username: 'attacker', password: token },
      reconnect: false,
    })
    await expect(attempt).rejects.toMatchObject({ name: 'AuthenticationError' })
  })
})

describe('over MQTT 5, AUTH', () => {
  it('does not make a client another one, and the rights it had do not grow', async () => {
    const victim = await system.peer('victim', ASKING)
    const clientId = `attacker-${randomUUID()}`
    let sub = clientId
    const credentials = async () => ({
      username: clientId,
      authenticationMethod: 'JWT',
      authenticationData: Buffer.from(await system.token(sub, ['jamey/#'])),
    })
    const attacker = await connect({
      url: system.url,
      clientId,
      tls: { ca: system.ca },
      credentials,
      reconnect: false,
    })
    sub = victim.clientId
    await expect(attacker.reauthenticate({ timeoutMs: 5000 })).rejects.toThrow()
    expect(attacker.state).not.toBe('connected')
    await expect(victim.ask(EVALUATE, 'evaluate', HARMLESS)).resolves.toHaveProperty('data.approved')
    await attacker.close({ drain: false })
  })

  it.each(['signed with another secret', 'ended', 'without a signature'])(
    'brings no right by a token that is %s',
    async (kind) => {
      const clientId = `attacker-${randomUUID()}`
      const tokens: Record<string, () => Promise<string>> = {
        'signed with another secret': () => signToken({ sub: clientId, permissions: ['#'] }, 'x'.repeat(32)),
        ended: () => system.token(clientId, ['#'], { now: () => Date.now() - 3_600_000 }),
        'without a signature': async () => {
          const [, claims] = (await system.token(clientId, ['#'])).split('.')
          return `${Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')}.${claims}.`
        },
      }
      let token = await system.token(clientId, ASKING)
      const attacker = await connect({
        url: system.url,
        clientId,
        tls: { ca: system.ca },
        credentials: () => ({
          username: clientId,
          authenticationMethod: 'JWT',
          authenticationData: Buffer.from(token),
        }),
        reconnect: false,
      })
      token = (await tokens[kind]?.()) ?? ''
      await expect(attacker.reauthenticate({ timeoutMs: 5000 })).rejects.toThrow()
      expect(attacker.state).not.toBe('connected')
      await attacker.close({ drain: false })
      const victim = await system.peer('victim', ASKING)
      await expect(victim.ask(EVALUATE, 'evaluate', HARMLESS)).resolves.toHaveProperty('data.approved')
    },
  )
})
