import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { recorded, startTested, type Tested } from '../service/authz.support.js'
import type { Grant } from './grant.js'
import { GrantJournal } from './grant-journal.js'
import { GrantSeal } from './grant-seal.js'
import { GrantTable } from './grant-table.js'

const SECRET = 'a-secret-of-more-than-32-characters!'
const seal = new GrantSeal([SECRET])

function grantOf(clientId: string, more: Partial<Grant> = {}): Grant {
  return {
    broker: 'vernemq',
    scope: '',
    clientId,
    permissions: ['app/#'],
    expiresAtMs: 1_000,
    tokenId: undefined,
    ...more,
  }
}

function entryOf(clientId: string, more: Partial<Grant> = {}) {
  const grant = grantOf(clientId, more)
  return { grant, sealed: seal.seal(grant) }
}

const who = (clientId: string) => ({ broker: 'vernemq', scope: '', clientId }) as const

describe('a table of grants', () => {
  it('forgets who asked nothing for the longest time, and who has expired before that', () => {
    const table = new GrantTable({ most: 3, now: () => 0 })
    for (const name of ['a', 'b', 'c']) table.put(entryOf(name))
    table.find(who('a'))
    table.put(entryOf('d'))
    expect(['a', 'b', 'c', 'd'].filter((name) => table.find(who(name)) !== undefined)).toEqual([
      'a',
      'c',
      'd',
    ])
    expect(table.size).toBe(3)
    let nowMs = 0
    const other = new GrantTable({ most: 3, now: () => nowMs })
    other.put(entryOf('a', { expiresAtMs: undefined }))
    other.put(entryOf('b'))
    other.put(entryOf('c'))
    nowMs = 1_000
    other.put(entryOf('d'))
    expect(['a', 'b', 'c', 'd'].filter((name) => other.find(who(name)) !== undefined)).toEqual(['a', 'd'])
  })
})

describe('a seal', () => {
  it('is opened with any of the secrets, and by no other', () => {
    const grants = [
      grantOf('eva'),
      grantOf('bob', { permissions: undefined, expiresAtMs: undefined, tokenId: 'x' }),
    ]
    for (const grant of grants) {
      expect(seal.open(seal.seal(grant))).toEqual(grant)
      expect(new GrantSeal([`${SECRET}new`, SECRET]).open(seal.seal(grant))).toEqual(grant)
      expect(new GrantSeal([`${SECRET}new`]).open(seal.seal(grant))).toBeUndefined()
    }
  })
})

describe('the file of the grants', () => {
  let path: string
  beforeEach(() => {
    const folder = mkdtempSync(join(tmpdir(), 'jamey-authz-'))
    path = join(folder, 'grants')
    return () => rmSync(folder, { recursive: true })
  })

  async function open(table: GrantTable, onError = (error: Error) => expect(error).toBeUndefined()) {
    return GrantJournal.open({ path, seal, table, onError })
  }

  it('has the table of before a restart in it, without lines that are cut off or nobody sealed', async () => {
    const journal = await open(new GrantTable({ now: () => 0 }))
    await Promise.all(['a', 'b'].map((name) => journal.append(entryOf(name))))
    await journal.append(entryOf('a', { permissions: ['later'] }))
    await journal.close()
    expect(statSync(path).mode & 0o777).toBe(0o600)
    const forged = new GrantSeal([`${SECRET}x`]).seal(grantOf('forged'))
    writeFileSync(
      path,
      `${readFileSync(path, 'utf8')}${forged}\nhello\n${seal.seal(grantOf('cut')).slice(0, -3)}`,
    )
    const table = new GrantTable({ now: () => 0 })
    const again = await open(table)
    expect(table.size).toBe(2)
    expect(table.find(who('a'))?.permissions).toEqual(['later'])
    await again.append(entryOf('c'))
    await again.close()
    const last = new GrantTable({ now: () => 0 })
    await (await open(last)).close()
    expect(['a', 'b', 'c', 'forged', 'cut'].filter((name) => last.find(who(name)) !== undefined)).toEqual([
      'a',
      'b',
      'c',
    ])
  })

  it('is written anew before it grows without bound, and loses nobody', async () => {
    const table = new GrantTable({ now: () => 0 })
    const journal = await open(table)
    for (let i = 0; i < 3_000; i++) {
      const entry = entryOf(`client-${i % 7}`, { tokenId: String(i) })
      table.put(entry)
      const written = journal.append(entry)
      if (i % 100 === 0) await written
    }
    await journal.close()
    expect(readFileSync(path, 'utf8').split('\n').length).toBeLessThan(1_500)
    const again = new GrantTable({ now: () => 0 })
    await (await open(again)).close()
    expect([...again.entries()].map(({ grant }) => grant.tokenId).sort()).toEqual(
      [2993, 2994, 2995, 2996, 2997, 2998, 2999].map(String),
    )
  })

  it('that cannot be written is told, and who connects is let in all the same', async () => {
    const errors: Error[] = []
    const journal = await open(new GrantTable({ now: () => 0 }), (error) => errors.push(error))
    await journal.close()
    await journal.append(entryOf('a'))
    expect(errors).toHaveLength(1)
  })

  it('lets who is connected go on after a restart of the service', async () => {
    const first = await startTested({ grantsFile: path })
    const register = async (at: Tested) =>
      at.ask('/vernemq', recorded.register('eva', await at.token('eva', ['app/#'])), {
        hook: 'auth_on_register',
      })
    const publish = (at: Tested) =>
      at.ask('/vernemq', recorded.publish('eva', 'app/1'), { hook: 'auth_on_publish' })
    expect(await register(first)).toEqual({ result: 'ok' })
    await first.authz.stop()
    const second = await startTested({ grantsFile: path })
    expect(await publish(second)).toEqual({ result: 'ok' })
    second.clock.nowMs += 330_000
    expect(await publish(second)).toEqual({ result: { error: 'not_allowed' } })
  })
})
