import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Broker, createBroker, insecureAuthenticator } from '@jamey/broker'
import { type Bus, connectBus } from '@jamey/bus'
import { topics } from '@jamey/contracts'
import type { SessionStore } from '@jamey/mqtt'
import { Writer } from '@jamey/protocol'
import { openSessionStore } from '@jamey/store'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

/** ARCHITECTURE.md and docs/walks.md walk through the rooms in the order in which a message does. */

const root = resolve(import.meta.dirname, '../..')
const pages = ['ARCHITECTURE.md', 'docs/walks.md']
  .map((page) => readFileSync(join(root, page), 'utf8'))
  .join('\n')
const PUBLISH = 3

/** The files that the section links to, in its order. */
function told(heading: string): string[] {
  const section = pages.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  return [...section.matchAll(/\]\((?:\.\.\/)?(packages\/[a-z]+\/src\/[a-z0-9/-]+\.ts)\)/g)].map(
    ([, file = '']) => file,
  )
}

/** Files of packages that are at work, whoever called first coming first. */
function filesAtWork(): string[] {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 200
  const { stack = '' } = new Error('here')
  Error.stackTraceLimit = stackTraceLimit
  const files = stack.matchAll(/\/(packages\/[a-z]+\/src\/[a-z0-9/-]+\.ts)/g)
  return [...files].map(([, file = '']) => file).reverse()
}

/** By which file one comes into each room. */
function entrances(files: readonly string[]): string[] {
  const rooms = new Map<string, string>()
  for (const file of files) {
    const room = file
      .split('/')
      .slice(0, file.split('/').length > 4 ? 4 : 3)
      .join('/')
    if (!rooms.has(room)) rooms.set(room, file)
  }
  return [...rooms.values()]
}

/** The files at work on each PUBLISH that is written from now on: by clients, and by the broker. */
function watchWriters(): Record<'broker' | 'client', string[][]> {
  const writing = { broker: [] as string[][], client: [] as string[][] }
  const { begin } = Writer.prototype
  vi.spyOn(Writer.prototype, 'begin').mockImplementation(function (this: Writer, firstByte, bodyBytes) {
    if (firstByte >> 4 === PUBLISH) {
      const files = filesAtWork()
      const isBroker = files.some((file) => file.startsWith('packages/broker/'))
      writing[isBroker ? 'broker' : 'client'].push(files)
    }
    return begin.call(this, firstByte, bodyBytes)
  })
  return writing
}

let broker: Broker
let folder: string
const buses: Bus[] = []

async function connect(clientId: string, store?: SessionStore): Promise<Bus> {
  const url = `mqtt://127.0.0.1:${broker.addresses[0]?.port}`
  const serving = ['subscribe:$share/memory/jamey/memory/query/#', 'publish:jamey/api/responses/+/memory/#']
  const permissions = ['jamey/memory/#', ...serving]
  const bus = await connectBus({ url, insecure: true, clientId, permissions, store })
  buses.push(bus)
  return bus
}

beforeEach(async () => {
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  folder = mkdtempSync(join(tmpdir(), 'jamey-walk-'))
  const listeners = [{ host: '127.0.0.1', port: 0, insecure: true }] as const
  broker = await createBroker({ listeners, authenticator: insecureAuthenticator() })
  await broker.listen()
})

afterEach(async () => {
  vi.restoreAllMocks()
  for (const bus of buses.splice(0)) await bus.close()
  await broker.close()
  rmSync(folder, { recursive: true })
})

describe('the walks through the code', () => {
  it('name files that are there', () => {
    const section = pages.split('\n## Life of a session\n')[1]?.split('\n## ')[0] ?? ''
    const named = [...section.matchAll(/`([a-z]+\/[a-z/-]+\.ts)`/g)].map(([, file = '']) => file)
    expect(named.length).toBeGreaterThan(20)
    const isThere = (file: string) =>
      ['broker', 'mqtt', 'store'].some((name) => existsSync(join(root, 'packages', name, 'src', file)))
    expect(named.filter((file) => !isThere(file))).toEqual([])
  })

  it('go through the rooms as a PUBLISH does', async () => {
    const store = await openSessionStore({ path: join(folder, 'outbox') })
    const publisher = await connect('publisher', store)
    const subscriber = await connect('subscriber')
    const received: string[] = []
    const arrived = new Promise<void>((resolve) => {
      const handle = (): void => {
        received.push(...filesAtWork())
        resolve()
      }
      void subscriber.subscribe(topics.memory.store, handle)
    })
    await vi.waitFor(() => expect(broker.stats().subscriptions).toBe(1))
    const stored: string[] = []
    const { append } = store
    vi.spyOn(store, 'append').mockImplementation((publish) => {
      stored.push(...filesAtWork())
      append.call(store, publish)
    })
    const writing = watchWriters()
    await publisher.publish(topics.memory.store, { content: 'We met in Lisbon' })
    await arrived
    const { client, broker: brokers } = writing
    expect(told('Life of a PUBLISH')).toEqual([
      ...entrances([...stored, ...(client[0] ?? [])]),
      ...entrances(brokers[0] ?? []),
      ...entrances(received),
    ])
  })

  it('go through the rooms as a request does', async () => {
    const answers: string[][] = []
    const { query } = topics.memory
    const responseSchema = query.responseSchema.refine(() => {
      answers.push(filesAtWork())
      return true
    })
    const served: string[] = []
    const memory = await connect('memory')
    await memory.serve({ ...query, responseSchema }, () => {
      served.push(...filesAtWork())
      return { memories: [], total: 0 }
    })
    const agent = await connect('agent')
    const { client } = watchWriters()
    await agent.request({ ...query, responseSchema }, { query: 'lisbon' })
    expect(told('Life of a request')).toEqual([
      ...entrances(client[0] ?? []),
      ...entrances([...served, ...(client[1] ?? [])]),
      ...entrances(answers[1] ?? []),
    ])
  })
})
