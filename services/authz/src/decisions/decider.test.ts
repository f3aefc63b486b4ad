import { readManifest } from '@jamey/manifest'
import { describe, expect, it } from 'vitest'
import { recorded, startTested, type Tested, TOKEN_SECRET } from '../service/authz.support.js'

const MANIFEST = `
version: 1
clients:
  eva: { permissions: ['app/#', 'subscribe:$share/jobs/lab/#'] }
  robot-7: { proof: certificate, permissions: ['publish:lab/%c/#'] }
  both: { proof: [token, certificate], permissions: ['lab/#'] }
`
const manifest = readManifest(MANIFEST)
const certificatesOf = ['emqx', 'vernemq', 'rabbitmq'] as const

async function emqx(at: Tested, clientId: string, password: string, change: object = {}) {
  const body = { ...recorded.emqxAuthenticate(clientId, password), ...change }
  return (await at.ask('/emqx/authenticate', body)) as { result: string; client_attrs?: object }
}

async function may(at: Tested, clientId: string, action: 'publish' | 'subscribe', topic: string) {
  const answer = await at.ask('/emqx/authorize', recorded.emqxAuthorize(clientId, action, topic))
  return (answer as { result: string }).result === 'allow'
}

describe('a manifest', () => {
  it('bounds what a token says, and names who may come at all', async () => {
    const at = await startTested({ manifest })
    expect(await emqx(at, 'eva', await at.token('eva', ['app/x/#', 'lab/#']))).toMatchObject({
      result: 'allow',
    })
    expect(await may(at, 'eva', 'publish', 'app/x/1')).toBe(true)
    expect(await may(at, 'eva', 'publish', 'app/y')).toBe(false)
    expect(await may(at, 'eva', 'publish', 'lab/x')).toBe(false)
    expect(await emqx(at, 'bob', await at.token('bob', ['app/#']))).toEqual({ result: 'deny' })
    expect(await at.metrics()).toContain('reason="not-in-manifest"} 1')
  })

  it('holds for who is connected as soon as it changes', async () => {
    const at = await startTested({ manifest })
    await emqx(at, 'eva', await at.token('eva', ['app/#']))
    expect(await may(at, 'eva', 'publish', 'app/1')).toBe(true)
    const trust = {
      secrets: ['what-brokers-show-of-themselves-here'],
      tokens: { secret: TOKEN_SECRET },
    } as const
    at.authz.use({ ...trust, manifest: readManifest(MANIFEST.replace("'app/#'", "'app/2'")) })
    expect(await may(at, 'eva', 'publish', 'app/1')).toBe(false)
    expect(await may(at, 'eva', 'publish', 'app/2')).toBe(true)
    at.authz.use({ ...trust, manifest: readManifest('version: 1\nclients: {}\n') })
    expect(await may(at, 'eva', 'publish', 'app/2')).toBe(false)
    at.authz.use(trust)
    expect(await may(at, 'eva', 'publish', 'app/1')).toBe(true)
  })
})

describe('a certificate', () => {
  it('is a proof where manifest and settings say so, and the manifest alone says what for', async () => {
    const at = await startTested({ manifest, certificatesOf })
    const answer = await emqx(at, 'robot-7', '', { cn: 'robot-7' })
    expect(answer).toMatchObject({ result: 'allow' })
    expect(answer).not.toHaveProperty('expire_at')
    expect(await may(at, 'robot-7', 'publish', 'lab/robot-7/heat')).toBe(true)
    expect(await may(at, 'robot-7', 'publish', 'lab/robot-8/heat')).toBe(false)
    const user = { username: 'robot-7', vhost: '/' }
    expect(await at.askForm('/rabbitmq/user', user)).toBe('allow')
    expect(
      await at.askForm('/rabbitmq/topic', recorded.rabbitTopic('robot-7', 'write', 'lab.robot-7.x')),
    ).toBe('allow')
    const registered = await at.ask('/vernemq', recorded.registerM5('robot-7', null), {
      hook: 'auth_on_register_m5',
    })
    expect(registered).toEqual({ result: 'ok' })
    // What it may do now is what the manifest says now.
    const next = readManifest(MANIFEST.replace('proof: certificate', 'proof: token'))
    at.authz.use({ secrets: ['what-brokers-show-of-themselves-here'], manifest: next, certificatesOf })
    expect(await may(at, 'robot-7', 'publish', 'lab/robot-7/heat')).toBe(false)
  })

  it.each([
    ['the manifest has no word of it', { certificatesOf }, 'robot-7', { cn: 'robot-7' }],
    [
      'the broker is not among those',
      { manifest, certificatesOf: ['vernemq'] },
      'robot-7',
      { cn: 'robot-7' },
    ],
    ['the client has another proof', { manifest, certificatesOf }, 'eva', { cn: 'eva' }],
    ['it is of another name', { manifest, certificatesOf }, 'robot-7', { cn: 'both' }],
    ['there is none', { manifest, certificatesOf }, 'robot-7', {}],
    ['the client is another', { manifest, certificatesOf }, 'both', { cn: 'robot-7' }],
  ] as const)('is none where %s', async (_, options, clientId, change) => {
    const at = await startTested(options)
    expect(await emqx(at, clientId, '', change)).toEqual({ result: 'deny' })
  })

  it('is needed where it is the only proof, and a wrong token beside it is refused all the same', async () => {
    const at = await startTested({ manifest, certificatesOf })
    const token = await at.token('robot-7', ['lab/robot-7/x'])
    expect(await emqx(at, 'robot-7', token)).toEqual({ result: 'deny' })
    expect(await emqx(at, 'robot-7', `${token}x`, { cn: 'robot-7' })).toEqual({ result: 'deny' })
    expect(await emqx(at, 'robot-7', token, { cn: 'robot-7' })).toMatchObject({ result: 'allow' })
    expect(await may(at, 'robot-7', 'publish', 'lab/robot-7/x')).toBe(true)
    expect(await may(at, 'robot-7', 'publish', 'lab/robot-7/y')).toBe(false)
    expect(await emqx(at, 'both', await at.token('both', ['lab/#']))).toMatchObject({ result: 'allow' })
  })
})

describe('a token', () => {
  it.each([
    ['that has expired', -400_000, 'token-expired'],
    ['that is not valid yet', 400_000, 'token-invalid'],
  ])('%s is refused', async (_, byMs, reason) => {
    const at = await startTested()
    const token = await at.token('eva', ['#'], { now: () => at.clock.nowMs + byMs })
    expect(await emqx(at, 'eva', token)).toEqual({ result: 'deny' })
    expect(await at.metrics()).toContain(`outcome="deny",reason="${reason}"} 1`)
  })

  it('is refused where there is nothing to verify it with', async () => {
    const at = await startTested({ tokens: {}, manifest, certificatesOf })
    expect(await emqx(at, 'eva', await at.token('eva', ['app/#']))).toEqual({ result: 'deny' })
  })

  it('is of no use once it is denied, its connection neither', async () => {
    const denials = new Set<string>()
    const denied = {
      objectionTo: ({ sub, jti = '' }: { sub: string; jti?: string | undefined }) =>
        denials.has(sub) || denials.has(jti) ? 'denied' : undefined,
    }
    const at = await startTested({ denied, manifest, certificatesOf })
    await emqx(at, 'eva', await at.token('eva', ['app/#'], { jti: 'this-one' }))
    await emqx(at, 'robot-7', '', { cn: 'robot-7' })
    expect(await may(at, 'eva', 'publish', 'app/1')).toBe(true)
    denials.add('this-one').add('robot-7')
    expect(await may(at, 'eva', 'publish', 'app/1')).toBe(false)
    expect(await may(at, 'robot-7', 'publish', 'lab/robot-7/x')).toBe(false)
    expect(await emqx(at, 'robot-7', '', { cn: 'robot-7' })).toEqual({ result: 'deny' })
    expect(await emqx(at, 'eva', await at.token('eva', ['app/#']))).toMatchObject({ result: 'allow' })
  })
})

describe('a subscription', () => {
  // What another broker grants it delivers whole: nobody is asked again.
  it.each([
    ['that several entries cover only together', ['x', 'x/+', 'x/+/#'], 'x/#', false],
    ['that is wider than each entry', ['x/a', 'x/b'], 'x/+', false],
    ['that one entry covers', ['x/#'], 'x/+/y', true],
    ['of everything to everything', ['jamey/#'], 'jamey/#', false],
    ['that selects one level of all inboxes', ['jamey/#'], 'jamey/api/+/eva/#', false],
    ['that selects all but the inboxes of others', ['jamey/#'], 'jamey/events/#', true],
    ['of the own inbox', [], 'jamey/api/responses/eva/#', true],
  ])('%s', async (_, permissions, filter, isAllowed) => {
    const at = await startTested()
    await emqx(at, 'eva', await at.token('eva', permissions))
    expect(await may(at, 'eva', 'subscribe', filter)).toBe(isAllowed)
  })
})

describe('failures', () => {
  it('of one client at one address are bounded, and nobody else is kept out by them', async () => {
    const at = await startTested({ failuresPerMinute: 5 })
    const good = await at.token('eva', ['app/#'])
    const from = (peerhost: string, password: string, clientId = 'eva') =>
      emqx(at, clientId, password, { peerhost })
    for (let i = 0; i < 5; i++) await from('192.0.2.1', 'guess')
    expect(await from('192.0.2.1', good)).toEqual({ result: 'deny' })
    expect(await from('192.0.2.2', good)).toMatchObject({ result: 'allow' })
    expect(await from('192.0.2.1', await at.token('bob', []), 'bob')).toMatchObject({ result: 'allow' })
    for (let i = 0; i < 45; i++) await from('192.0.2.1', 'guess', `robot-${i}`)
    expect(await from('192.0.2.1', await at.token('bob', []), 'bob')).toEqual({ result: 'deny' })
    expect(await at.metrics()).toContain('reason="too-many-failures"} 2')
    // RabbitMQ tells no address: whoever knows a name could keep it out.
    for (let i = 0; i < 60; i++) await at.askForm('/rabbitmq/user', recorded.rabbitUser('eva', 'guess'))
    expect(await at.askForm('/rabbitmq/user', recorded.rabbitUser('eva', good))).toBe('allow')
  })
})
