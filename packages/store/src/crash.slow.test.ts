import { describe, expect, it, onTestFinished } from 'vitest'
import { openBrokerStore, openSessionStore } from './index.js'
import { stateOf as brokerStateOf, stateAfter } from './test-support/broker-model.js'
import { BROKER_PROCESS } from './test-support/broker-process.js'
import { Child } from './test-support/child.js'
import { newFolder } from './test-support/folder.js'
import { Random } from './test-support/random.js'
import { changeSession, SessionModel, stateOf } from './test-support/session-model.js'
import { SESSION_PROCESS } from './test-support/session-process.js'

const ROUNDS = 4
const seed = Math.floor(Math.random() * 1_000_000)
const random = new Random(seed)

/** Lets a process commit turns from `from` on, kills it at some moment, and gives how many turns it reported. */
async function turnsUntilKilled(module: string, path: string, from: number): Promise<number> {
  const child = new Child(module, [path, String(seed), String(from)])
  onTestFinished(async () => void (await child.kill()))
  const enough = from + 1 + random.integer(150)
  let reported = from
  while (reported < enough) reported = Number(await child.line()) + 1
  const left = await child.kill()
  return left.length === 0 ? reported : Number(left.at(-1)) + 1
}

/** The turn that was being committed may be there, whole, although nobody was told. */
function expectOneOf(found: unknown, reported: unknown, next: unknown, turn: number): number {
  try {
    expect(found).toEqual(next)
    return turn + 1
  } catch {
    expect(found, `seed ${seed}, killed after turn ${turn}`).toEqual(reported)
    return turn
  }
}

describe('kill -9, again and again', () => {
  it('leaves a session with all that was committed, in order, and nothing that was removed [promise 3]', async () => {
    const path = newFolder()
    const model = new SessionModel()
    let turn = 0
    for (let round = 0; round < ROUNDS; round++) {
      const reported = await turnsUntilKilled(SESSION_PROCESS, path, turn)
      for (; turn < reported; turn++) changeSession(seed, turn, model, [])
      const next = model.copy()
      changeSession(seed, turn, next, [])
      const store = await openSessionStore({ path })
      const found = await stateOf(store)
      await store.close()
      if (expectOneOf(found, model.state, next.state, turn) > turn) changeSession(seed, turn++, model, [])
      expect(found.waiting.length).toBeGreaterThan(0)
    }
  })

  it('leaves a broker with all that was committed, and nothing that was removed [promise 33]', async () => {
    const path = newFolder()
    let turn = 0
    for (let round = 0; round < ROUNDS; round++) {
      turn = await turnsUntilKilled(BROKER_PROCESS, path, turn)
      const [reported, next] = [await stateAfter(seed, turn), await stateAfter(seed, turn + 1)]
      const store = await openBrokerStore({ path })
      const found = await brokerStateOf(store)
      await store.close()
      turn = expectOneOf(found, reported, next, turn)
    }
  })
})
