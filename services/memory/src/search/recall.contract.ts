import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { MemoryStorage } from '../model/memory-storage.js'
import type { OpenStorage } from '../store/opened-storage.support.js'
import { searchWords } from './question.js'
import { RECENCY_HALF_LIFE_MS, score } from './score.js'

type Query = Parameters<MemoryStorage['query']>[0]

async function filled(open: OpenStorage) {
  const { store, clock } = await open()
  const put = (id: string, content: string, more: object = {}) =>
    store.store({ content, layer: 'semantic', ...more }, { id, source: 'agent-1' })
  await put('lisbon', 'We met in Lisboa in May', { tags: ['Travel', 'friends'], layer: 'episodic' })
  await put('cafe', 'The café on the corner opens at seven', { tags: ['food'] })
  await put('customers', 'Customers asked about deleting their records twice', { tags: ['work'] })
  await put('strasse', 'Die Straße heißt Lindenallee', { tags: ['travel'] })
  await put('tokyo', '東京 で会いました', { tags: ['travel', 'friends', '日本'] })
  return { store, clock, put }
}

async function idsOf(store: MemoryStorage, query: Query) {
  return (await store.query(query)).memories.map((memory) => memory.id)
}

function describeWords(open: OpenStorage): void {
  describe('searching', () => {
    it('finds words in all their forms, as they begin, and with a letter wrong', async () => {
      const cases = [
        ['lisboa', ['lisbon']],
        ['LISBOA', ['lisbon']],
        ['lis', ['lisbon']],
        ['cafe', ['cafe']],
        ['CAFÉ', ['cafe']],
        ['customer', ['customers']],
        ['delete record', ['customers']],
        ['meet', ['lisbon']],
        ['meeting', ['lisbon']],
        ['openings', ['cafe']],
        ['custom', ['customers']],
        ['custmoers', ['customers']],
        ['lizboa', ['lisbon']],
        ['cafés', ['cafe']],
        ["the corner's café", ['cafe']],
        ['opened', ['cafe']],
        ['ask', ['customers']],
        ['deleted, records!', ['customers']],
        ['strasse', ['strasse']],
        ['straße', ['strasse']],
        ['linden', ['strasse']],
        ['東京', ['tokyo']],
        ['food', ['cafe']],
        ['nothing-like-it', []],
        ['lis met', ['lisbon']],
      ] as const
      const { store } = await filled(open)
      for (const [query, ids] of cases) {
        expect([query, await idsOf(store, { query })]).toEqual([query, ids])
      }
    })

    it('tells names apart that differ by a sign, and finds each by its word alone', async () => {
      const { store, put } = await filled(open)
      const texts = {
        'c++': 'The driver is written in C++',
        'c#': 'The backend is written in C#',
        net: 'The net is written about',
        '.net': 'This service is written for .NET',
        '1.2.3': 'The release 1.2.3 is written up',
        '3.2.1': 'The release 3.2.1 is written up',
        'a*': 'A* is written by hand',
      }
      for (const [id, content] of Object.entries(texts)) await put(id, content)
      for (const name of ['c++', 'C#', '.net', '1.2.3', '3.2.1', 'A*']) {
        const [first] = await idsOf(store, { query: `What is written in ${name}?` })
        expect(first).toBe(name.toLowerCase())
      }
      expect((await idsOf(store, { query: 'c' })).toSorted()).toEqual(['c#', 'c++'])
      expect((await idsOf(store, { query: 'net' })).toSorted()).toEqual(['.net', 'net'])
      expect(await idsOf(store, { query: 'A*' })).toEqual(['a*'])
    })

    it('takes from a question only the words that tell something', async () => {
      const cases = [
        ['when did we meet in lisboa', ['lisbon']],
        ['What is on the corner?', ['cafe']],
        ['where are their records', ['customers']],
      ] as const
      const { store } = await filled(open)
      for (const [query, ids] of cases) {
        expect([query, await idsOf(store, { query })]).toEqual([query, ids])
      }
    })

    it('finds words that nearly every text has where nothing else is asked for', async () => {
      const { store, put } = await filled(open)
      await put('hamlet', 'To be, or not to be')
      expect(searchWords('to be or not to be')).toEqual(['to', 'be', 'or', 'not'])
      expect(await idsOf(store, { query: 'to be or not to be' })).toEqual(['hamlet'])
    })

    it('finds whatever has any of the words, and first what has more of them', async () => {
      const { store, put } = await filled(open)
      await put('both', 'Lisboa has many a café')
      const ids = await idsOf(store, { query: 'what about the cafe in lisboa in winter' })
      expect(ids[0]).toBe('both')
      expect(ids.toSorted()).toEqual(['both', 'cafe', 'lisbon'])
    })

    it('reads everything as words, never as search syntax', async () => {
      const cases = [
        'lisboa" OR "x',
        "lisboa'; DROP TABLE memories; --",
        'content:lisboa',
        'lisboa*',
        '^lisboa',
        '-lisboa',
        'lisboa NEAR',
        '(lisboa',
        '{lisboa} : x',
        'lisboa AND',
        '+lisboa',
        'lisboa\0',
      ]
      const { store } = await filled(open)
      for (const query of cases) {
        expect(await idsOf(store, { query })).toContain('lisbon')
      }
    })
  })
}

function describeTexts(open: OpenStorage): void {
  describe('a text that is searched for', () => {
    it('answers text without any word with nothing', async () => {
      const { store } = await filled(open)
      expect(await store.query({ query: '!? "" -- \u0301 😀' })).toEqual({ memories: [], total: 0 })
    })

    it('never throws, whatever the text', async () => {
      const { store } = await filled(open)
      const text = fc.oneof(
        fc.string({ unit: 'binary', maxLength: 200 }),
        fc.string({ unit: 'grapheme', maxLength: 200 }),
        fc.string({ unit: fc.constantFrom(...'"\'*^(){}:+-\\ \0aäNOTAND'), maxLength: 60 }),
        fc
          .array(fc.constantFrom('AND', 'OR', 'NOT', 'NEAR', '"', '*', '(', ')', 'a', 'content:'), {
            maxLength: 20,
          })
          .map((words) => words.join(' ')),
      )
      await fc.assert(
        fc.asyncProperty(text, async (query) => {
          const { memories, total } = await store.query({ query })
          expect(total).toBeGreaterThanOrEqual(memories.length)
          for (const memory of memories) {
            expect(memory.score).toBeGreaterThan(0)
            expect(memory.score).toBeLessThanOrEqual(1)
          }
        }),
        { numRuns: 500 },
      )
    })

    it('finds every memory by each of its own words, if it has any', async () => {
      const { store } = await open()
      let count = 0
      await fc.assert(
        fc.asyncProperty(fc.stringMatching(/^[a-zA-Zäöüßéñçøåа-яА-Я0-9 ,.'"-]{1,60}$/), async (content) => {
          const id = `m${++count}`
          await store.store({ content, tags: [id], duplicates: 'keep' }, { id, source: 'agent-1' })
          for (const word of searchWords(content)) {
            expect(await idsOf(store, { query: word, tags: [id] })).toEqual([id])
          }
        }),
        { numRuns: 100 },
      )
    })

    it('takes the longest text that is allowed', async () => {
      const { store } = await filled(open)
      const words = Array.from(
        { length: 1000 },
        (_, i) => `${'abcdefghij'[i % 10]}${'stopping'.slice(i % 3)}${String.fromCharCode(97 + (i % 26))}`,
      )
      await expect(store.query({ query: words.join(' ').slice(0, 10_000) })).resolves.toMatchObject({
        total: 0,
      })
      await expect(store.query({ query: 'x'.repeat(10_001) })).rejects.toMatchObject({ field: 'query' })
    })

    it('knows the forms of a word', async () => {
      const cases = [
        ['delete', 'deletes deleted deleting'],
        ['stopped', 'stop stops stopping'],
        ['cities', 'city'],
        ['box', 'boxes'],
        ['tried', 'try tries trying'],
      ] as const
      for (const [word, forms] of cases) {
        const { store } = await open()
        await store.store({ content: word }, { id: 'one', source: 'agent-1' })
        for (const query of forms.split(' ')) expect(await idsOf(store, { query })).toEqual(['one'])
      }
    })
  })
}

function describeRanking(open: OpenStorage): void {
  describe('ranking', () => {
    it('puts the better match first, and gives the best, newest and most important the score 1', async () => {
      const { store, put } = await filled(open)
      await put('much', 'penguin penguin penguin', { importance: 1 })
      await put('little', `one penguin among ${'many other words '.repeat(10)}`, { importance: 1 })
      const { memories } = await store.query({ query: 'penguin' })
      expect(memories.map(({ id }) => id)).toEqual(['much', 'little'])
      expect(memories[0]?.score).toBeCloseTo(1, 9)
      expect(memories[1]?.score).toBeLessThan(1)
    })

    it('orders equal matches by importance and by recency', async () => {
      const { store, put } = await filled(open)
      await put('dull', 'penguin', { importance: 0.1, duplicates: 'keep' })
      await put('vital', 'penguin', { importance: 0.9, duplicates: 'keep' })
      await put('old', 'penguin', {
        importance: 0.1,
        occurred_at: '2020-01-01T00:00:00Z',
        duplicates: 'keep',
      })
      expect(await idsOf(store, { query: 'penguin' })).toEqual(['vital', 'dull', 'old'])
    })

    it('scores found and listed memories by the documented formula', async () => {
      const { store, put, clock } = await filled(open)
      const ageMs = RECENCY_HALF_LIFE_MS / 2
      await put('one', 'penguin', {
        importance: 0.3,
        occurred_at: new Date(clock.now() - ageMs).toISOString(),
      })
      const expected = score({ relevance: 1, importance: 0.3, ageMs })
      expect((await store.query({ query: 'penguin' })).memories[0]?.score).toBeCloseTo(expected, 6)
      expect(
        (await store.query({ to: new Date(clock.now() - 1).toISOString() })).memories[0]?.score,
      ).toBeCloseTo(expected, 12)
    })
  })
}

function describeFilters(open: OpenStorage): void {
  describe('filters', () => {
    it('leave what fits all of them', async () => {
      const cases = [
        [{ tags: ['travel'] }, ['lisbon', 'strasse', 'tokyo']],
        [{ tags: ['TRAVEL', 'friends'] }, ['lisbon', 'tokyo']],
        [{ tags: ['travel', 'Travel'] }, ['lisbon', 'strasse', 'tokyo']],
        [{ tags: ['travel', 'friends', '日本'] }, ['tokyo']],
        [{ tags: ['travel', 'food'] }, []],
        [{ layers: ['episodic'] }, ['lisbon']],
        [{ layers: ['episodic', 'semantic'], tags: ['food'] }, ['cafe']],
        [{ layers: [] }, ['cafe', 'customers', 'lisbon', 'strasse', 'tokyo']],
        [{ query: 'lisboa', tags: ['food'] }, []],
        [{ query: 'lisboa', layers: ['episodic'], tags: ['friends'] }, ['lisbon']],
      ] as [Query, string[]][]
      const { store } = await filled(open)
      for (const [query, ids] of cases) {
        const found = await store.query(query)
        expect(found.memories.map(({ id }) => id).toSorted()).toEqual(ids)
        expect(found.total).toBe(ids.length)
      }
    })

    it('takes both ends of a time range as inside it', async () => {
      const { store } = await open()
      for (const day of [1, 2, 3, 4]) {
        const occurred_at = `2026-03-0${day}T00:00:00Z`
        await store.store({ content: `day ${day}`, occurred_at }, { id: `d${day}`, source: 'agent-1' })
      }
      const range = { from: '2026-03-02T01:00:00+01:00', to: '2026-03-03T00:00:00Z' }
      expect(await idsOf(store, range)).toEqual(['d3', 'd2'])
      expect((await idsOf(store, { query: 'day', ...range })).toSorted()).toEqual(['d2', 'd3'])
    })
  })
}

function describePages(open: OpenStorage): void {
  describe('pages', () => {
    it('list the newest first without words, each memory once, with the total on every page', async () => {
      const { store, clock } = await open()
      for (let i = 0; i < 25; i++) {
        if (i % 3 === 0) await clock.advance(1000)
        await store.store({ content: `number ${i}` }, { id: `m${i}`, source: 'agent-1' })
      }
      for (const query of ['', '  ', 'number']) {
        const pages = await Promise.all(
          [0, 10, 20, 30].map((offset) => store.query({ query, limit: 10, offset })),
        )
        expect(pages.map(({ memories }) => memories.length)).toEqual([10, 10, 5, 0])
        expect(pages.map(({ total }) => total)).toEqual([25, 25, 25, 25])
        const ids = pages.flatMap(({ memories }) => memories.map(({ id }) => id))
        expect(ids).toEqual(Array.from({ length: 25 }, (_, i) => `m${24 - i}`))
      }
    })

    it('end where they have as many bytes as one may, say so, and go on from there', async () => {
      const { store } = await open()
      // 2 bytes a character; of the pieces of 50 000 bytes five fit.
      for (let i = 0; i < 12; i++) {
        await store.store(
          { content: `part ${'\u00e9'.repeat(25_000)}`, duplicates: 'keep' },
          { id: `m${i}`, source: 'agent-1' },
        )
      }
      for (const query of ['', 'part']) {
        const pages = []
        for (let offset = 0; offset < 12; offset += pages.at(-1)?.memories.length ?? 0) {
          pages.push(await store.query({ query, limit: 100, offset }))
        }
        expect(pages.map(({ memories }) => memories.length)).toEqual([5, 5, 2])
        expect(pages.map(({ total, truncated }) => [total, truncated])).toEqual([
          [12, true],
          [12, true],
          [12, undefined],
        ])
        expect(new Set(pages.flatMap(({ memories }) => memories.map(({ id }) => id))).size).toBe(12)
        expect(await store.query({ query, limit: 5 })).not.toHaveProperty('truncated')
      }
    })

    it('have one memory at least, whatever its size', async () => {
      const { store } = await open()
      const content = `large ${'\u20ac'.repeat(99_990)}`
      for (const id of ['a', 'b']) {
        await store.store({ content, duplicates: 'keep' }, { id, source: 'agent-1' })
      }
      for (const query of ['', 'large']) {
        expect(await store.query({ query })).toMatchObject({ memories: [{}], total: 2, truncated: true })
        expect(await store.query({ query, offset: 1 })).not.toHaveProperty('truncated')
      }
    })

    it('refuse a size out of bounds by its name [promise 37]', async () => {
      const { store } = await open()
      await expect(store.query({ limit: 101 })).rejects.toMatchObject({ field: 'limit' })
      await expect(store.query({ offset: -1 })).rejects.toMatchObject({ field: 'offset' })
      await expect(store.query({ from: 'May' })).rejects.toMatchObject({ field: 'from' })
    })
  })

  describe('cursors', () => {
    it.each([undefined, 'number'])('go through everything once, of the question %s', async (query) => {
      const { store } = await open()
      for (let i = 0; i < 25; i++) {
        await store.store({ content: `number ${i}`, duplicates: 'keep' }, { id: `m${i}`, source: 'a' })
      }
      const seen: string[] = []
      let cursor: string | undefined
      do {
        const page = await store.query({ query, limit: 10, cursor })
        seen.push(...page.memories.map(({ id }) => id))
        cursor = page.next_cursor
      } while (cursor !== undefined)
      expect(seen).toEqual(Array.from({ length: 25 }, (_, i) => `m${24 - i}`))
      await expect(store.query({ query, cursor: 'nonsense' })).rejects.toMatchObject({ field: 'cursor' })
    })

    it.each([undefined, 'number'])(
      'pass by nothing and show nothing twice, whatever comes, changes and goes between pages of %s',
      async (query) => {
        const { store, clock } = await open()
        const put = (id: string, content: string) =>
          store.store({ content, duplicates: 'keep' }, { id, source: 'a' })
        const there = Array.from({ length: 40 }, (_, i) => `m${i}`)
        for (const id of there) await put(id, `number ${id}`)
        const seen: string[] = []
        let cursor: string | undefined
        for (let page = 0; page === 0 || cursor !== undefined; page++) {
          const { memories, next_cursor } = await store.query({ query, limit: 7, cursor })
          const ids = memories.map(({ id }) => id)
          seen.push(...ids)
          cursor = next_cursor
          await clock.advance(1000)
          for (let i = 0; i < 3; i++) await put(`late-${page}-${i}`, 'number number')
          await store.update({ id: ids[0] as string, importance: 1 })
          await store.forget({ ids: ids.slice(1, 3) })
        }
        expect(seen.length).toBe(new Set(seen).size)
        expect(seen).toEqual(expect.arrayContaining(there))
      },
    )

    it('of one question are refused by another kind of question', async () => {
      const { store } = await open()
      for (const id of ['a', 'b', 'c']) await store.store({ content: `number ${id}` }, { id, source: 'a' })
      const cursorOf = async (query?: string) => (await store.query({ query, limit: 1 })).next_cursor
      const [ofWords, ofAll] = [await cursorOf('number'), await cursorOf()]
      await expect(store.query({ cursor: ofWords })).rejects.toMatchObject({ field: 'cursor' })
      await expect(store.query({ query: 'number', cursor: ofAll })).rejects.toMatchObject({ field: 'cursor' })
    })
  })
}

function describeExplanations(open: OpenStorage): void {
  describe('an explanation', () => {
    it('has parts that make up the score', async () => {
      const { store } = await open()
      const put = (id: string, content: string, turn: number) =>
        store.store({ content, session_id: 's', turn, duplicates: 'keep' }, { id, source: 'a' })
      await put('asked', 'How was the pottery course, Ann?', 0)
      await put('told', 'The course was lovely, we made bowls.', 1)
      const { memories } = await store.query({ query: 'what was made in the pottery courses', explain: true })
      expect(memories.map(({ id }) => id)).toEqual(['told', 'asked'])
      for (const { score, why } of memories) {
        const { terms, widened = 0, near = 0, time = 0, neighbours = 0 } = why ?? { terms: [] }
        const sum = terms.reduce((all, { weight }) => all + weight, widened + near + time + neighbours)
        expect(sum).toBeCloseTo(score, 3)
      }
      expect(memories[0]?.why).toMatchObject({ terms: [{ word: 'made' }, { word: 'courses' }] })
      expect(memories[0]?.why?.neighbours).toBeGreaterThan(0)
      expect((await store.query({ query: 'pottery' })).memories[0]).not.toHaveProperty('why')
    })
  })
}

function describeNeighbours(open: OpenStorage): void {
  it('takes what comes next for the answer where something was asked, more than where it was told', async () => {
    const { store } = await open()
    const say = (id: string, content: string, session_id: string, turn: number) =>
      store.store({ content, session_id, turn, duplicates: 'keep' }, { id, source: 'a' })
    for (const [session, first] of [
      ['asked', 'Is there a harbour?'],
      ['told', 'There is a harbour.'],
    ] as const) {
      await say(`${session}-0`, first, session, 0)
      await say(`${session}-1`, 'Near Lisbon, I think.', session, 1)
    }
    const { memories } = await store.query({ query: 'harbour', explain: true })
    const [asked, told] = ['asked-1', 'told-1'].map(
      (id) => memories.find((one) => one.id === id)?.why?.neighbours ?? 0,
    )
    expect(asked).toBeCloseTo((told as number) * 1.2, 2)
    expect(told).toBeGreaterThan(0)
  })

  it.each([
    ['nobody says which turn is which', () => ({}), ['m12', 'm28']],
    ['each has a turn, the last of which came first', (i: number) => ({ turn: 40 - i }), ['m18', 'm22']],
    ['turns are times', (i: number) => ({ turn: 1.7e12 + i * 2 }), ['m19', 'm21']],
  ])('finds what stands beside it in its session, where %s', async (_, turnOf, [first, last]) => {
    const { store } = await open()
    for (let i = 0; i < 41; i++) {
      const content = i === 20 ? 'the lighthouse' : `word${i}`
      await store.store({ content, session_id: 's', ...turnOf(i) }, { id: `m${i}`, source: 'a' })
      await store.store({ content: `other${i}`, session_id: 's', ...turnOf(i) }, { id: `o${i}`, source: 'b' })
    }
    const found = await idsOf(store, { query: 'lighthouse', limit: 100 })
    const [from, to] = [first, last].map((id) => Number(id?.slice(1)))
    const beside = Array.from({ length: 41 }, (_, i) => i).filter((i) => i >= (from ?? 0) && i <= (to ?? 0))
    expect(found.toSorted()).toEqual(beside.map((i) => `m${i}`).toSorted())
    expect(found[0]).toBe('m20')
  })
}

function describeCounts(open: OpenStorage): void {
  it('counts what fits a condition that the index does not know, also once the index is there', async () => {
    const { store, put } = await filled(open)
    await put('one', 'Of a session', { session_id: 's', metadata: { level: 1 } })
    await store.query({ query: 'session' })
    for (const [query, total] of [
      [{ session_id: 's' }, 1],
      [{ session_id: 'other' }, 0],
      [{ where: { level: 1 } }, 1],
      [{ where: { level: 2 } }, 0],
      [{}, 6],
    ] as const) {
      expect(await store.query({ ...query, limit: 100 })).toMatchObject({ total })
      expect((await store.query({ ...query, limit: 100 })).memories.length).toBe(total)
    }
  })
}

/** What whatever keeps memories has to find, and in which order. */
export function describeRecall(name: string, open: OpenStorage): void {
  describe(name, () => {
    describeWords(open)
    describeTexts(open)
    describeRanking(open)
    describeFilters(open)
    describePages(open)
    describeExplanations(open)
    describeCounts(open)
    describeNeighbours(open)
  })
}
