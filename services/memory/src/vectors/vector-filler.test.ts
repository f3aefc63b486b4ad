import { describe, expect, it } from 'vitest'
import { EmbeddingsError, StorageError } from '../model/errors.js'
import { QueryEmbedder } from './query-embedder.js'
import { VectorFiller } from './vector-filler.js'
import type { MissingVector } from './vector-table.js'

const away = () => new EmbeddingsError('embeddings-unreachable', 'away')
const refused = (status: number) =>
  new EmbeddingsError('embeddings-refused', `answered ${status}`, { status })

/** A filler whose file and endpoint are lists, and whose waits end at once until it is ended. */
function scene(texts: readonly string[], answer: (batch: readonly string[]) => void, batch = 8) {
  const kept: number[] = []
  const asked: (readonly string[])[] = []
  const waits: number[] = []
  let left: MissingVector[] = texts.map((content, i) => ({ seq: i + 1, content }))
  const filler = new VectorFiller({
    batch,
    table: {
      missing: (limit) => left.splice(0, limit),
      put: (made) => void kept.push(...made.map(({ seq }) => seq)),
    },
    endpoint: {
      embed: async (contents) => {
        asked.push(contents)
        answer(contents)
        return contents.map((text) => (text === 'empty' ? undefined : Float32Array.of(1)))
      },
    },
    wait: async (ms) => {
      waits.push(ms)
      // Nothing is left, or nothing can be made: that was enough.
      if ((left.length === 0 && filler.fault === undefined) || waits.length >= 12) filler.end()
    },
  })
  const add = (more: MissingVector[]) => {
    left = [...left, ...more]
  }
  return { filler, kept, asked, waits, add }
}

const texts = Array.from({ length: 20 }, (_, i) => `text ${i + 1}`)
const all = texts.map((_, i) => i + 1)

describe('vectors are made in the background', () => {
  it('batch by batch, each once', async () => {
    const { filler, kept, asked, waits } = scene(texts, () => {})
    await filler.run()
    expect(kept).toEqual(all)
    expect(asked.map(({ length }) => length)).toEqual([8, 8, 4])
    expect(waits).toEqual([1000])
  })

  it('again, ever more rarely, where the endpoint is away, and none is left out', async () => {
    let failures = 9
    const { filler, kept, asked, waits } = scene(texts, () => {
      if (failures-- > 0) throw away()
    })
    await filler.run()
    expect(kept).toEqual(all)
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000, 1000])
    expect(asked).toHaveLength(9 + 3)
    expect(filler.fault).toBeUndefined()
  })

  it.each([401, 404, 429, 500])('and a refusal with %i is told, and tried again later', async (status) => {
    const { filler, kept, waits } = scene(texts, () => {
      throw refused(status)
    })
    await filler.run()
    expect(kept).toEqual([])
    expect(filler.fault).toMatchObject({ status })
    expect(waits.at(-1)).toBe(60_000)
    expect(filler.refused).toBe(0)
  })

  it.each([400, 413, 422])('in smaller batches where so many are refused with %i', async (status) => {
    const { filler, kept, asked } = scene(texts, ({ length }) => {
      if (length > 3) throw refused(status)
    })
    await filler.run()
    expect(kept).toEqual(all)
    expect(filler.refused).toBe(0)
    expect(Math.min(...asked.map(({ length }) => length))).toBeGreaterThanOrEqual(2)
  })

  it('without the one text that the endpoint does not take', async () => {
    const { filler, kept, add, waits } = scene(texts, (batch) => {
      if (batch.includes('text 7')) throw refused(400)
    })
    await filler.run()
    expect(kept).toEqual(all.filter((seq) => seq !== 7))
    expect(filler.refused).toBe(1)
    expect(waits).toEqual([1000])
    add([{ seq: 7, content: 'text 7' }])
    expect(filler.refused).toBe(1)
  })

  it('without a text that has none', async () => {
    const { filler, kept } = scene(['one', 'empty', 'three'], () => {})
    await filler.run()
    expect(kept).toEqual([1, 3])
    expect(filler.refused).toBe(1)
  })

  it('again, where the file is full or busy for a while', async () => {
    let failures = 2
    const { filler, kept, waits } = scene(texts, () => {
      if (failures-- > 0) throw new StorageError('storage-full', 'the disk is full')
    })
    await filler.run()
    expect(kept).toEqual(all)
    expect(waits).toEqual([1000, 2000, 1000])
  })

  it('and what the file refuses for good ends it, for whoever runs it to decide', async () => {
    const { filler } = scene(texts, () => {
      throw new StorageError('storage-damaged', 'the file is damaged')
    })
    await expect(filler.run()).rejects.toThrow('damaged')
  })
})

describe('the vector of a question', () => {
  const embedder = (answer: () => Promise<(Float32Array | undefined)[]>) => {
    const scene = { asked: 0, nowMs: 0, dimension: undefined as number | undefined }
    const made = new QueryEmbedder({
      model: 'm',
      queryMs: 300,
      dimension: () => scene.dimension,
      now: () => scene.nowMs,
      endpoint: {
        embed: (_, timeoutMs) => {
          scene.asked++
          expect(timeoutMs).toBe(300)
          return answer()
        },
      },
    })
    return { scene, made }
  }

  it('is made once for all pages of its answer', async () => {
    const { scene, made } = embedder(async () => [Float32Array.of(1)])
    const [first, second] = await Promise.all([made.embed('a'), made.embed('a')])
    expect(first).toEqual({ model: 'm', vector: Float32Array.of(1) })
    expect(second).toBe(first)
    await made.embed('b')
    expect(scene.asked).toBe(2)
    scene.dimension = 1
    await made.embed('a')
    expect(scene.asked).toBe(2)
    for (let i = 0; i < 300; i++) await made.embed(`c ${i}`)
    await made.embed('a')
    expect(scene.asked).toBe(303)
  })

  it('is missing where the endpoint fails, and for 5 seconds no question waits for it', async () => {
    let isAway = true
    const { scene, made } = embedder(async () => {
      if (isAway) throw away()
      return [Float32Array.of(1)]
    })
    expect(await made.embed('a')).toEqual({ model: 'm', missing: 'away' })
    expect(await made.embed('b')).toEqual({ model: 'm', missing: 'away' })
    expect(scene.asked).toBe(1)
    isAway = false
    scene.nowMs = 4999
    await made.embed('a')
    expect(scene.asked).toBe(1)
    scene.nowMs = 5000
    expect(await made.embed('a')).toMatchObject({ vector: Float32Array.of(1) })
  })

  it('is made anew where the vectors of the file have another dimension by now', async () => {
    const { scene, made } = embedder(async () => [Float32Array.of(1, 0).subarray(0, scene.dimension ?? 1)])
    expect(await made.embed('a')).toEqual({ model: 'm', vector: Float32Array.of(1) })
    scene.dimension = 2
    expect(await made.embed('a')).toEqual({ model: 'm', vector: Float32Array.of(1, 0) })
    expect(scene.asked).toBe(2)
  })

  it('is missing for a text without a direction', async () => {
    const { made } = embedder(async () => [undefined])
    expect(await made.embed('?')).toEqual({ model: 'm', missing: 'the question has no vector' })
  })
})
