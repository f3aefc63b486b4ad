import { describe, expect, it } from 'vitest'
import { fileName, latencyInWords, payloadPreview, reasonInWords } from './words.js'

describe('words for what the API names', () => {
  it('are there for each reason, and one that is not known loses its signs alone', () => {
    expect(reasonInWords('publishes_denied')).toBe('publishing without permission')
    expect(reasonInWords('not_seen-before')).toBe('not seen before')
    expect(reasonInWords('constructor')).toBe('constructor')
  })

  it.each([
    ['commits', 'writing to disk'],
    ['jamey/api/requests call', 'API calls over MQTT'],
    ['jamey/conscience/approvals-list list_approvals', 'conscience: list approvals'],
    ['weather/now ask', 'weather/now ask'],
  ])('say of the latency %s that it is %s', (name, words) => {
    expect(latencyInWords(name)).toBe(words)
  })

  it('are the name of a file without its folder', () => {
    expect(['/a/b/server.pem', 'C:\\keys\\ca.pem', 'own', '/'].map(fileName)).toEqual([
      'server.pem',
      'ca.pem',
      'own',
      '/',
    ])
  })
})

describe('the preview of a payload', () => {
  it('is the data of an envelope', () => {
    expect(payloadPreview('{"message_id":"1","payload":{"action":"x","data":{"n":1}}}')).toBe('{"n":1}')
  })

  it('is the beginning of the data, where an envelope is cut off', () => {
    const cut = '{"message_id":"1","topic":"a","payload":{"action":"x","data":{"n":[1,2'
    expect(payloadPreview(cut)).toBe('{"n":[1,2')
  })

  it.each([
    '21.5',
    'null',
    '[]',
    '{"payload":{"data":1}}',
    '{"message_id":"1","payload":null}',
    '{"message_id":"1","pay',
  ])('of %s, which is no whole envelope, is the text itself', (text) => {
    expect(payloadPreview(text)).toBe(text)
  })
})
