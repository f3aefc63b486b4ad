import { describe, expect, it } from 'vitest'
import { SignedTokens } from './signed-tokens.js'
import { signToken, type TokenClaims } from './token.js'
import { TokenVerifier } from './token-verifier.js'

const SECRET = 'k9Wd2vPq7ZrT4mXs8bLh3nYc6fGj1aEu'
const START_MS = Date.parse('2026-05-01T12:00:00Z')

async function verifying(options: { denied?: { objectionTo(): string | undefined } } = {}) {
  const time = { ms: START_MS }
  const now = () => time.ms
  const content = { sub: 'agent-7', permissions: ['publish:jamey/memory/store'], lifetimeSeconds: 600, now }
  const token = await signToken(content, SECRET)
  const verifier = new TokenVerifier({ secret: SECRET, now, ...options })
  return { time, token, verifier }
}

describe('a token that was verified before', () => {
  it('has the same claims without another look at its signature', async () => {
    const { token, verifier } = await verifying()
    const claims = await verifier.verify(token)
    expect(claims).toMatchObject({ sub: 'agent-7', permissions: ['publish:jamey/memory/store'] })
    expect(await verifier.verify(token)).toBe(claims)
  })

  it('gives nobody claims that can be changed', async () => {
    const { token, verifier } = await verifying()
    const claims = await verifier.verify(token)
    expect(() => Object.assign(claims, { sub: 'operator' })).toThrow(TypeError)
    expect(() => (claims.permissions as string[]).push('jamey/#')).toThrow(TypeError)
  })

  it('is refused from the moment that it is over, or its bearer denied, and for another subject', async () => {
    let objection: string | undefined
    const { time, token, verifier } = await verifying({ denied: { objectionTo: () => objection } })
    await verifier.verify(token)
    await expect(verifier.verify(token, { expectedSubject: 'eva' })).rejects.toMatchObject({
      code: 'token-subject',
    })
    objection = 'agent-7 is denied'
    await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'token-denied' })
    objection = undefined
    await verifier.verify(token)
    time.ms += (600 + 30) * 1000
    await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'token-expired' })
  })

  it('lends nothing to one that differs in a character', async () => {
    const { token, verifier } = await verifying()
    await verifier.verify(token)
    const [header, payload = '', signature] = token.split('.')
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as TokenClaims
    const raised = Buffer.from(JSON.stringify({ ...claims, permissions: ['jamey/#'] })).toString('base64url')
    await expect(verifier.verify(`${header}.${raised}.${signature}`)).rejects.toMatchObject({
      code: 'token-signature',
    })
  })

  it('is forgotten where a thousand others were shown since', async () => {
    const tokens = new SignedTokens()
    const claims = { sub: 'agent-7', iat: 0, exp: 1, permissions: [] }
    for (let i = 0; i < 1_000; i++) tokens.note(`token ${i}`, claims)
    expect(tokens.claimsOf('token 0')).toBe(claims)
    tokens.note('one more', claims)
    expect(tokens.size).toBe(1_000)
    expect(tokens.claimsOf('token 0')).toBe(claims)
    expect(tokens.claimsOf('token 1')).toBeUndefined()
  })
})
