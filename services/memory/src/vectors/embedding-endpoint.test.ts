import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { EmbeddingSettings } from '../model/embeddings.js'
import { EmbeddingsError } from '../model/errors.js'
import { EmbeddingEndpoint, embeddingsUrl } from './embedding-endpoint.js'
import { type EmbeddingStub, embeddingStub, stubVector } from './embedding-stub.support.js'

let stub: EmbeddingStub

beforeEach(async () => {
  stub = await embeddingStub()
})
afterEach(() => stub.close())

const endpoint = (settings: Partial<EmbeddingSettings> = {}) =>
  new EmbeddingEndpoint({
    url: stub.url,
    model: 'nomic',
    batch: 32,
    timeoutMs: 60_000,
    queryMs: 300,
    ...settings,
  })

const failure = async (promise: Promise<unknown>): Promise<EmbeddingsError> => {
  const error = await promise.then(
    () => expect.fail('it was answered'),
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(EmbeddingsError)
  return error as EmbeddingsError
}

describe('an endpoint of embeddings', () => {
  it.each([
    ['http://127.0.0.1:11434', 'http://127.0.0.1:11434/v1/embeddings'],
    ['http://127.0.0.1:11434/', 'http://127.0.0.1:11434/v1/embeddings'],
    ['https://host/v1', 'https://host/v1/embeddings'],
    ['https://host/v1/', 'https://host/v1/embeddings'],
    ['https://host/proxy/v1/embeddings', 'https://host/proxy/v1/embeddings'],
    ['https://host/openai?api-version=1', 'https://host/openai/v1/embeddings?api-version=1'],
  ])('is found from %s', (given, expected) => {
    expect(embeddingsUrl(given).href).toBe(expected)
  })

  it('gives a vector of length 1 for each text, in the order of the texts', async () => {
    const texts = ['the car', 'the automobile', 'a violin']
    const vectors = await endpoint({ key: 'secret' }).embed(texts)
    expect(stub.requests).toEqual([
      { path: '/v1/embeddings', token: 'Bearer secret', model: 'nomic', input: texts },
    ])
    const [car, automobile, violin] = vectors as Float32Array[]
    const cosine = (one?: Float32Array, other?: Float32Array) =>
      one?.reduce((sum, value, i) => sum + value * (other?.[i] ?? 0), 0)
    expect(cosine(car, car)).toBeCloseTo(1, 5)
    expect(cosine(car, automobile)).toBeCloseTo(1, 5)
    expect(cosine(car, violin)).toBeLessThan(0.7)
  })

  it('gets the beginning of a long text, and never half a character', async () => {
    await endpoint().embed(['🎈'.repeat(10_000), `${'a'.repeat(7999)}🎈`])
    expect(stub.requests[0]?.input.map((text) => text.length)).toEqual([8000, 8000])
    expect(stub.requests[0]?.input.every((text) => text.isWellFormed())).toBe(true)
  })

  it('has no vector for a text without a direction, nor for one that is out of numbers', async () => {
    stub.answer = (_, response) =>
      response.end(
        JSON.stringify({
          data: [{ embedding: [0, 0] }, { embedding: [1e308, 1e308] }, { embedding: [3, 4] }],
        }),
      )
    const vectors = await endpoint().embed(['a', 'b', 'c'])
    expect(vectors.slice(0, 2)).toEqual([undefined, undefined])
    expect([...(vectors[2] ?? [])].map((value) => Math.round(value * 10))).toEqual([6, 8])
  })
})

describe('what an endpoint of embeddings fails with', () => {
  it('is unreachable where nobody listens, or no answer comes in time', async () => {
    stub.answer = () => {}
    expect(await failure(endpoint().embed(['a'], 30))).toMatchObject({
      code: 'embeddings-unreachable',
      retryable: true,
      message: 'The endpoint of embeddings failed: no answer within 30 ms.',
    })
    expect(await failure(endpoint({ url: 'http://127.0.0.1:1' }).embed(['a']))).toMatchObject({
      code: 'embeddings-unreachable',
    })
  })

  it.each([
    [401, false],
    [413, false],
    [429, true],
    [503, true],
  ])('is a refusal with %i', async (status, retryable) => {
    stub.answer = (_, response) => response.writeHead(status).end('{"error": "sk-secret of yours"}')
    const error = await failure(endpoint({ key: 'sk-secret' }).embed(['a']))
    expect(error).toMatchObject({ code: 'embeddings-refused', status, retryable })
    expect(error.message).not.toContain('secret')
  })

  it('is unreachable where it would lead elsewhere, where texts and key would go along', async () => {
    stub.answer = ({ path }, response) =>
      path === '/elsewhere' ? response.end('{}') : response.writeHead(307, { location: '/elsewhere' }).end()
    expect(await failure(endpoint().embed(['a']))).toMatchObject({ code: 'embeddings-unreachable' })
    expect(stub.requests).toHaveLength(1)
  })

  it.each([
    ['no JSON', '<html>'],
    ['half of it', '{"data": [{"embed'],
    ['another object', '{"embeddings": [[1]]}'],
    ['too few vectors', JSON.stringify({ data: [{ embedding: [1] }] })],
    [
      'too many vectors',
      JSON.stringify({ data: [{ embedding: [1] }, { embedding: [1] }, { embedding: [1] }] }),
    ],
    ['two dimensions', JSON.stringify({ data: [{ embedding: [1] }, { embedding: [1, 2] }] })],
    [
      'one place twice',
      JSON.stringify({
        data: [
          { index: 0, embedding: [1] },
          { index: 0, embedding: [2] },
        ],
      }),
    ],
    [
      'a place beyond',
      JSON.stringify({
        data: [
          { index: 1, embedding: [1] },
          { index: 2, embedding: [2] },
        ],
      }),
    ],
    ['numbers as text', JSON.stringify({ data: [{ embedding: ['1'] }, { embedding: ['2'] }] })],
    ['no numbers', JSON.stringify({ data: [{ embedding: [] }, { embedding: [] }] })],
    ['more than any has', 'x'.repeat(64 * 1024 * 1024 + 1)],
  ])('is an answer that is not valid: %s', async (_, text) => {
    stub.answer = (__, response) => response.end(text)
    expect(await failure(endpoint().embed(['a', 'b']))).toMatchObject({ code: 'embeddings-invalid' })
  })

  it('is an answer that has no end', async () => {
    const part = Buffer.alloc(4 * 1024 * 1024, 'x')
    stub.answer = (_, response) => {
      const writeOn = () => {
        while (!response.destroyed && response.write(part));
      }
      response.on('drain', writeOn)
      writeOn()
    }
    expect(await failure(endpoint().embed(['a']))).toMatchObject({ code: 'embeddings-invalid' })
  })
})

describe('the stub', () => {
  it('gives the same vector for the same words, whatever stands between them', () => {
    expect(stubVector('Sea, car', 64)).toEqual(stubVector('car ocean', 64))
  })
})
