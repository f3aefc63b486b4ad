import { describe, expect, it } from 'vitest'
import type { Credentials, CredentialsRequest } from '../index.js'
import { readUrl } from '../transport/endpoint.js'
import { CredentialsSource } from './credentials.js'

const request = (reason: CredentialsRequest['reason']): CredentialsRequest => ({
  reason,
  attempt: 1,
  reasonCode: undefined,
  challenge: undefined,
})

const ENDPOINT = readUrl('mqtt://of-the-url:password@host')

describe('credentials', () => {
  it('are asked for once by needs that arise together, and afresh by later ones [promise 16]', async () => {
    const asked: ((credentials: Credentials) => void)[] = []
    const source = new CredentialsSource(() => new Promise<Credentials>((resolve) => asked.push(resolve)))
    const together = [source.get(request('connect'), ENDPOINT), source.get(request('refresh'), ENDPOINT)]
    expect(asked).toHaveLength(1)
    asked[0]?.({ username: 'first' })
    expect((await Promise.all(together)).map(({ username }) => username)).toEqual(['first', 'first'])
    const later = source.get(request('connect'), ENDPOINT)
    expect(asked).toHaveLength(2)
    asked[1]?.({ username: 'second' })
    expect((await later).username).toBe('second')
  })

  it('that answer a challenge belong to that challenge alone', async () => {
    let asked = 0
    const source = new CredentialsSource(() => ({ username: `${++asked}` }))
    const both = await Promise.all([
      source.get(request('challenge'), ENDPOINT),
      source.get(request('challenge'), ENDPOINT),
    ])
    expect(both.map(({ username }) => username)).toEqual(['1', '2'])
  })
})
