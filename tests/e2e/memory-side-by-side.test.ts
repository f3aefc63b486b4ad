import { mkdtempSync, readdirSync, rmdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { betaMemoryTool } from '@anthropic-ai/sdk/helpers/beta/memory'
import { BetaLocalFilesystemMemoryTool } from '@anthropic-ai/sdk/tools/memory/node'
import type { AgentMemory } from '@jamey/agents'
import { memoryToolHandlers } from '@jamey/agents/anthropic'
import { JameyStore } from '@jamey/agents/langgraph'
import { openaiSession } from '@jamey/agents/openai'
import { type BaseStore, InMemoryStore, type Operation } from '@langchain/langgraph-checkpoint'
import { type AgentInputItem, MemorySession, type Session } from '@openai/agents-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type MemorySystem, memorySystem } from './memory-system.js'

/** Random operations, done by an adapter and by what the framework has itself: what comes out is the same. */

let system: MemorySystem
let memory: AgentMemory

beforeAll(async () => {
  system = await memorySystem()
  memory = await system.agent('agent-1')
})
afterAll(() => system.close())

const SEEDS = [1, 2, 3, 4]

class Chance {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((this.#state / 2 ** 32) * limit)
  }

  of<T>(all: readonly T[]): T {
    return all[this.below(all.length)] as T
  }

  some<T>(all: readonly T[], most: number): T[] {
    return Array.from({ length: this.below(most + 1) }, () => this.of(all))
  }
}

/** Of folders: theirs tells what the file system makes of them. */
function withoutSizes(text: string, path: string | undefined): string {
  const lines = text.split('\n')
  const isFolder = (name: string | undefined) => name === path || name?.endsWith('/') === true
  return lines.map((line) => (isFolder(line.split('\t')[1]) ? `?\t${line.split('\t')[1]}` : line)).join('\n')
}

/** A folder of files is there as long as one is in it. */
function withoutEmpty(folder: string, isRoot = true): void {
  for (const { name } of readdirSync(folder, { withFileTypes: true }).filter((one) => one.isDirectory())) {
    withoutEmpty(join(folder, name), false)
  }
  if (!isRoot && readdirSync(folder).length === 0) rmdirSync(folder)
}

/** What came of it, or the words of the error. */
const outcome = (work: () => Promise<unknown>): Promise<unknown> =>
  work().catch((error: unknown) => `${(error as Error).name}: ${(error as Error).message}`)

describe.each(SEEDS)('with seed %i', (seed) => {
  const LABELS = ['a', 'B', 'b', 'users', 'ü']
  const SCALARS = [0, 1, 2.5, -1, '', '1', 'b', 'ü', true, false, null, [1], { a: 1 }]

  it('LangGraph’s own store answers the same', async () => {
    const chance = new Chance(seed)
    const namespaces = LABELS.flatMap((one) => [[one], [one, 'a'], [one, 'B', 'users']])
    const stores = [new InMemoryStore(), new JameyStore(memory, { namespace: `side-${seed}` })] as const
    // Theirs goes on listing a namespace that has nothing any more.
    for (const store of stores) for (const one of namespaces) await store.put(one, 'stays', { n: -1 })
    const value = () =>
      Object.fromEntries(
        chance.some(['n', 'name', 'tag', 'x'], 4).map((name) => [name, structuredClone(chance.of(SCALARS))]),
      )
    const wanted = () => {
      const operators = chance.some(['$eq', '$ne', '$gt', '$gte', '$lt', '$lte', '$in', '$nin'], 2)
      const operand = (operator: string) =>
        /in$/.test(operator) ? chance.some(SCALARS, 3) : chance.of(SCALARS)
      return operators.length === 0
        ? chance.of(SCALARS)
        : Object.fromEntries(operators.map((one) => [one, operand(one)]))
    }
    const operation = (): Operation => {
      const namespace = chance.of(namespaces)
      const key = chance.of(['k', 'K', 'l', '', 'ü'])
      switch (chance.below(6)) {
        case 0:
          return { namespace, key }
        case 1:
          return { namespace, key, value: null }
        case 2:
          return {
            matchConditions: chance
              .some(['prefix', 'suffix'] as const, 2)
              .map((matchType) => ({ matchType, path: chance.some([...LABELS, '*'], 2) })),
            ...(chance.below(2) === 0 ? {} : { maxDepth: 1 + chance.below(3) }),
            limit: 1 + chance.below(20),
            offset: chance.below(3),
          }
        case 3:
          return {
            namespacePrefix: chance.below(3) === 0 ? [] : namespace.slice(0, 1 + chance.below(3)),
            filter: Object.fromEntries(
              chance.some(['n', 'name', 'tag', 'x', 'a.b'], 2).map((name) => [name, wanted()]),
            ),
            limit: 1000,
            offset: 0,
          }
        default:
          return { namespace, key, value: value() }
      }
    }
    for (let i = 0; i < 60; i++) {
      const all = Array.from({ length: 1 + chance.below(3) }, operation)
      // What theirs reads changes with what is put beside it, for it is the very object.
      const batch = all.filter((one) => 'value' in one === 'value' in (all[0] as Operation))
      const done = (store: BaseStore) => outcome(async () => (await store.batch(batch)).map(shown))
      const [theirs, ours] = [await done(stores[0]), await done(stores[1])]
      expect(ours, JSON.stringify(batch)).toEqual(theirs)
    }
  })

  /** Items by what they hold, in no order; times and what only one of the two knows left out. */
  function shown(result: unknown): unknown {
    if (Array.isArray(result)) {
      return result.some((one) => Array.isArray(one))
        ? result
        : result.map((one) => JSON.stringify(shown(one))).sort()
    }
    if (typeof result !== 'object' || result === null) return result ?? null
    const { namespace, key, value } = result as { namespace: string[]; key: string; value: object }
    return { namespace, key, value }
  }

  it('the session of OpenAI’s SDK gives the same', async () => {
    const chance = new Chance(seed)
    const theirs: Session = new MemorySession()
    const ours: Session = openaiSession(memory, { sessionId: `side-${seed}` })
    const item = (): AgentInputItem => ({
      role: 'user',
      content: chance.of(['yes', 'no', '', '🎈', '\ud83c', 'a\0b', 'x'.repeat(25_000)]),
    })
    for (let i = 0; i < 60; i++) {
      const limit = chance.of([undefined, 0, -1, 1, 2, 5, 1000])
      const items = Array.from({ length: chance.below(4) }, item)
      const step = chance.below(10)
      const done = (session: Session): Promise<unknown> => {
        if (step < 4) return session.addItems(items)
        if (step < 6) return session.popItem()
        return step === 9 && i % 3 === 0 ? session.clearSession() : session.getItems(limit)
      }
      expect(await done(ours), `step ${i}`).toEqual(await done(theirs))
    }
    expect(await ours.getItems()).toEqual(await theirs.getItems())
  })

  it('the memory tool of Anthropic’s SDK says the same', async () => {
    const chance = new Chance(seed)
    const folder = mkdtempSync(join(tmpdir(), 'memory-tool-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const theirs = betaMemoryTool(await BetaLocalFilesystemMemoryTool.init(folder))
    const ours = betaMemoryTool(memoryToolHandlers(memory, { namespace: `side-${seed}` }))
    const path = () =>
      ['/memories', ...chance.some(['a', 'b', 'c.md'], 2), chance.of(['a.txt', 'ü.md', 'b'])].join('/')
    const LINES = ['one', 'two', 'three', '', 'ü 🎈', '  indented']
    const text = () => chance.some(LINES, 5).join('\n')
    const command = (): Parameters<typeof ours.run>[0] => {
      switch (chance.below(8)) {
        case 0:
          return {
            command: 'str_replace',
            path: path(),
            old_str: chance.of(['one', 'two', 'nowhere', 'ü', '  i']),
            new_str: chance.of(['1', '', 'x\ny', '$&']),
          }
        case 1:
          return { command: 'insert', path: path(), insert_line: chance.below(6) - 1, insert_text: text() }
        case 2:
          return { command: 'delete', path: path() }
        case 3:
          return { command: 'rename', old_path: path(), new_path: path() }
        case 4:
        case 5:
          return { command: 'create', path: path(), file_text: text() }
        default:
          return {
            command: 'view',
            path: path(),
            ...(chance.below(2) === 0 ? {} : { view_range: [chance.below(5), chance.of([-1, 1, 2, 100])] }),
          }
      }
    }
    for (let i = 0; i < 60; i++) {
      const one = command()
      const said = async (tool: typeof ours) =>
        withoutSizes(String(await outcome(async () => tool.run(one))), 'path' in one ? one.path : undefined)
      const expected = await said(theirs)
      // Where a file is taken for a folder theirs tells what the system says, and of which file.
      const isOfSystem = /^Error: E[A-Z]+: /.test(expected)
      expect(await said(ours), JSON.stringify(one)).toEqual(
        isOfSystem ? expect.stringMatching(/^Error: /) : expected,
      )
      withoutEmpty(join(folder, 'memories'))
    }
  })
})
