import { topics } from '@jamey/contracts'
import { describe, expect, it } from 'vitest'
import { reportOf } from '../support/failure.js'
import { checkedData, envelopedMessage, envelopedRequest } from './contract-lookup.js'

function thrown(action: () => unknown) {
  try {
    action()
  } catch (error) {
    return reportOf(error)
  }
  throw new Error('nothing was thrown')
}

describe('a payload on a contract topic', () => {
  it('is the data of the contract', () => {
    const message = envelopedMessage('jamey/conscience/evaluate', '{"action": "email"}')
    expect(message?.contract).toBe(topics.conscience.evaluate)
    expect(message?.data).toEqual({ action: 'email' })
  })

  it('may name its action where several contracts share the topic', () => {
    const get = envelopedMessage('jamey/memory/query', '{"action": "get", "data": {"id": "x"}}')
    expect(get?.contract).toBe(topics.memory.get)
    expect(get?.data).toEqual({ id: 'x' })
    expect(envelopedMessage('jamey/memory/query', '{"query": "x"}')?.contract).toBe(topics.memory.query)
  })

  it('knows the levels of a topic that has parameters', () => {
    const message = envelopedMessage('jamey/events/status/me', '{"state": "online"}')
    expect(message).toMatchObject({ contract: topics.events.status, parameters: { client_id: 'me' } })
  })

  it("is nobody's business on any other topic", () => {
    expect(envelopedMessage('jamey/test/a', 'not JSON')).toBeUndefined()
    expect(envelopedRequest('elsewhere', '')).toBeUndefined()
  })

  it('is refused with the field, what was expected and the way out', () => {
    for (const text of ['', 'x', '[]', 'null', '1']) {
      const report = thrown(() => envelopedMessage('jamey/memory/query', text))
      expect(report).toMatchObject({ exitCode: 2, code: 'invalid-payload' })
      expect(report.hint).toContain('--raw')
    }
    const unknown = thrown(() => envelopedMessage('jamey/memory/query', '{"action": "burn", "data": {}}'))
    expect(unknown.message).toContain('"query", "get"')
    const data = thrown(() =>
      checkedData(topics.memory.store, 'jamey/memory/store', { content: 'x', importance: 7 }),
    )
    expect(data).toMatchObject({ exitCode: 2, code: 'message-invalid' })
    expect(data.message).toContain('data.importance')
  })

  it('is the data of the action that is named, also of one that nobody told us of', () => {
    const get = envelopedRequest('jamey/memory/query', '{"id": "x"}', { action: 'get' })
    expect(get).toMatchObject({ contract: topics.memory.get, data: { id: 'x' } })
    const own = envelopedRequest('jamey/lab/a', '"two words"', { action: 'say' })
    expect(own).toMatchObject({ contract: { topic: 'jamey/lab/a', action: 'say' }, data: 'two words' })
    expect(envelopedMessage('jamey/lab/a', '', 'say')?.data).toEqual({})
    expect(thrown(() => envelopedMessage('jamey/lab/a', 'two words', 'say'))).toMatchObject({ exitCode: 2 })
    const unknown = thrown(() => envelopedRequest('jamey/memory/query', '{}', { action: 'burn' }))
    expect(unknown).toMatchObject({ exitCode: 2, code: 'unknown-action' })
  })

  it('is no request where nobody answers', () => {
    const report = thrown(() => envelopedRequest('jamey/conscience/results', '{}'))
    expect(report).toMatchObject({ exitCode: 2, code: 'not-a-request' })
  })
})
