import { describe, expect, it } from 'vitest'
import { TokenError, TokenSource, TokenVerifier } from '../index.js'

const SECRET = 'a secret that is long enough: 0123456789'
const NOW = 1_700_000_000

describe('TokenSource', () => {
  function sourceAt(options: { lifetimeSeconds?: number } = {}) {
    const clock = { ms: NOW * 1000 + 400 }
    const source = new TokenSource({
      secret: SECRET,
      subject: 'eva',
      permissions: ['jamey/events/#'],
      now: () => clock.ms,
      ...options,
    })
    return { source, clock }
  }

  it('hands out one token until 30 s before its end, then the next [promise 20]', async () => {
    const { source, clock } = sourceAt()
    expect(source.refreshAtMs).toBe(0)
    const first = await source.current()
    expect(first).toEqual({ token: expect.any(String), expiresAtMs: (NOW + 300) * 1000 })
    expect(source.refreshAtMs).toBe((NOW + 270) * 1000)
    clock.ms = source.refreshAtMs - 1
    expect(await source.current()).toBe(first)
    clock.ms = source.refreshAtMs
    const second = await source.current()
    expect(second.expiresAtMs).toBe((NOW + 570) * 1000)
    expect(source.refreshAtMs).toBe((NOW + 540) * 1000)
    expect(
      await new TokenVerifier({ secret: SECRET, now: () => clock.ms }).verify(second.token),
    ).toMatchObject({ sub: 'eva' })
  })

  it('signs once for callers that ask at once', async () => {
    const { source } = sourceAt()
    const [one, two] = await Promise.all([source.current(), source.current()])
    expect(one).toBe(two)
  })

  it('replaces a token of less than a minute after half of its life', async () => {
    const { source } = sourceAt({ lifetimeSeconds: 10 })
    await source.current()
    expect(source.refreshAtMs).toBe((NOW + 5) * 1000)
  })

  it('makes a new token where its clock was set back', async () => {
    const { source, clock } = sourceAt()
    await source.current()
    clock.ms -= 3_600_000
    expect((await source.current()).expiresAtMs).toBe((NOW + 300 - 3600) * 1000)
  })

  it('makes a new token on demand, for a server that refused the last one', async () => {
    const { source, clock } = sourceAt()
    const first = await source.current()
    clock.ms += 1000
    const second = await source.renew()
    expect(second.token).not.toBe(first.token)
    expect(await source.current()).toBe(second)
  })

  it('names audience and issuer where it was told them, and each token by an identifier of its own', async () => {
    const now = () => NOW * 1000
    const audience = ['hub', 'edge']
    const source = new TokenSource({
      secret: SECRET,
      subject: 'eva',
      permissions: [],
      audience,
      issuer: 'me',
      now,
    })
    const verifier = new TokenVerifier({ secret: SECRET, audience: 'edge', issuers: ['me'], now })
    const first = await verifier.verify((await source.current()).token)
    expect(first).toMatchObject({ aud: audience, iss: 'me', jti: expect.any(String) })
    expect((await verifier.verify((await source.renew()).token)).jti).not.toBe(first.jti)
  })

  it('refuses faulty options at once [promise 37]', () => {
    const good = { secret: SECRET, subject: 'eva', permissions: [] }
    expect(() => new TokenSource({ ...good, subject: 'a/b' })).toThrow(TokenError)
    expect(() => new TokenSource({ ...good, permissions: ['a#'] })).toThrow('permission "a#"')
    expect(() => new TokenSource({ ...good, lifetimeSeconds: 0 })).toThrow('lifetime is 0 seconds')
  })
})
