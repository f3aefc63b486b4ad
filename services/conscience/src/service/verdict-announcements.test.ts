import type { Published } from '@jamey/bus'
import type { Verdict } from '@jamey/contracts'
import { beforeEach, describe, expect, it } from 'vitest'
import { VerdictAnnouncements } from './verdict-announcements.js'

const HEARD = 0x00
const UNHEARD = 0x10

/** A server whose acknowledgements come when the test says so. */
class Server {
  readonly published: string[] = []
  readonly #unanswered: { resolve: (published: Published) => void; reject: (error: Error) => void }[] = []

  readonly publish = (_: unknown, { evaluation_id }: { evaluation_id: string }): Promise<Published> => {
    this.published.push(evaluation_id)
    return new Promise((resolve, reject) => this.#unanswered.push({ resolve, reject }))
  }

  async acknowledge(reasonCode: number): Promise<void> {
    this.#unanswered.shift()?.resolve({ messageId: '', reasonCode })
    await turn()
  }

  async refuse(): Promise<void> {
    this.#unanswered.shift()?.reject(new Error('not acknowledged in time'))
    await turn()
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

let server: Server
let reported: string[]
let settled: string[]
let announcements: VerdictAnnouncements

function made(announcesUnheard = false): VerdictAnnouncements {
  // What is published here is of one contract, whose data the fake takes as it is.
  const bus = { publish: server.publish as never }
  return new VerdictAnnouncements({ bus, announcesUnheard, report: (kind) => reported.push(kind) })
}

function announce(...ids: string[]): void {
  for (const id of ids) {
    const verdict = { kind: 'text', evaluation_id: id } as Verdict
    void announcements.announce(verdict, id, { remainingMs: 1_000 }).then(() => settled.push(id))
  }
}

/** One that nobody hears comes first, so that the server is known to have no subscribers. */
async function unheardOnce(): Promise<void> {
  announce('first')
  await server.acknowledge(UNHEARD)
}

beforeEach(() => {
  server = new Server()
  reported = []
  settled = []
  announcements = made()
})

describe('announcements of verdicts', () => {
  it('are all sent at once while somebody is subscribed', async () => {
    announce('a', 'b')
    await server.acknowledge(HEARD)
    announce('c')
    expect(server.published).toEqual(['a', 'b', 'c'])
    expect(settled).toEqual(['a'])
  })

  it('go one at a time where nobody is, each for all that were there when it was sent', async () => {
    await unheardOnce()
    announce('a', 'b', 'c')
    expect(server.published).toEqual(['first', 'a'])
    await server.acknowledge(UNHEARD)
    // Those that came after it was sent have to ask again: somebody may have subscribed between.
    expect(settled).toEqual(['first', 'a'])
    expect(server.published).toEqual(['first', 'a', 'b'])
    announce('d')
    await server.acknowledge(UNHEARD)
    expect(settled).toEqual(['first', 'a', 'c', 'b'])
    expect(server.published).toEqual(['first', 'a', 'b', 'd'])
  })

  it('are told from then on to whoever subscribes, in their order', async () => {
    await unheardOnce()
    announce('a', 'b', 'c')
    await server.acknowledge(UNHEARD)
    announce('d')
    await server.acknowledge(HEARD)
    announce('e')
    expect(server.published).toEqual(['first', 'a', 'b', 'c', 'd', 'e'])
  })

  it('are sent, each by itself, after one that failed, which is reported', async () => {
    await unheardOnce()
    announce('a', 'b')
    await server.refuse()
    expect(reported).toEqual(['announcement-failed'])
    expect(settled).toEqual(['first', 'a'])
    expect(server.published).toEqual(['first', 'a', 'b'])
    await server.refuse()
    expect(reported).toHaveLength(2)
    expect(settled).toEqual(['first', 'a', 'b'])
  })

  it('are all sent, whatever the server says, where that is not to be relied upon', async () => {
    announcements = made(true)
    await unheardOnce()
    announce('a', 'b')
    expect(server.published).toEqual(['first', 'a', 'b'])
  })
})
