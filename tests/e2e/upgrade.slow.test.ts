import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { RECORD_FORMATS, readAudit, verifyAudit } from '@jamey/conscience'
import { MEMORY_FILE_VERSION, MemoryStore } from '@jamey/memory'
import { openBrokerStore, openOutbox, openRecordStore, openSessionStore, STORE_FORMATS } from '@jamey/store'
import { describe, expect, it, onTestFinished } from 'vitest'
import { emptyFolder, jamey, removeFolder, startSystem } from './program.js'

/** Data of earlier versions, as `make-data.js` wrote it then, with the code of now. */
const here = import.meta.dirname
const archives = readdirSync(here).filter((name) => /^data-.*\.tar\.gz$/.test(name))

function newFolder(): string {
  const folder = emptyFolder()
  onTestFinished(() => removeFolder(folder))
  return folder
}

async function restored(archive: string): Promise<string> {
  const folder = newFolder()
  execFileSync('tar', ['-xzf', join(here, archive), '-C', folder, '--no-same-owner'])
  const { code, stderr } = await jamey(folder, ['restore', 'kept'])
  expect(code, stderr).toBe(0)
  return folder
}

describe.each(archives)('%s', (archive) => {
  it('is restored, everything in it is there, and a system is started with it [promise 33]', async () => {
    const folder = await restored(archive)
    const data = join(folder, '.jamey', 'data')
    const broker = await openBrokerStore({ path: join(data, 'broker') })
    const { sessions, subscriptions, queues, retained } = await broker.load()
    expect(sessions.map(({ clientId }) => clientId)).toContain('absent')
    expect(subscriptions).toContainEqual(expect.objectContaining({ clientId: 'absent' }))
    expect(queues).toContainEqual({ clientId: 'absent', queue: expect.objectContaining({ messages: 3 }) })
    const waiting = [...broker.readDeliveries('absent', 0, 10)].map(({ delivery }) =>
      'messageId' in delivery ? broker.readMessage(delivery.messageId) : delivery,
    )
    const texts = waiting.map((found) => ('payload' in found ? Buffer.from(found.payload).toString() : found))
    expect(texts).toEqual(['one', 'two', 'three'])
    expect(retained.map(({ topic }) => topic)).toContain('state/door')
    await broker.close()

    const memory = MemoryStore.open({ file: join(data, 'memory.db') })
    expect((await memory.query({ query: 'lisbon' })).total).toBe(1)
    expect((await memory.query({ tags: ['kept'] })).total).toBe(3)
    await memory.close()

    const audit = join(data, 'audit')
    expect((await verifyAudit(audit)).faults).toEqual([])
    const tools: unknown[] = []
    for await (const line of readAudit(audit)) tools.push(JSON.stringify(line))
    expect(tools.join('\n')).toMatch(/read_file[\s\S]*launch_the_probe/)

    const approvals = await openRecordStore({
      path: join(data, 'approvals', 'jamey-conscience'),
      kind: 'jamey approvals',
      version: RECORD_FORMATS['jamey approvals'],
    })
    const asked = [...approvals.records()].map((found) =>
      'value' in found ? Buffer.from(found.value).toString() : '',
    )
    expect(asked.join('\n')).toContain('launch_the_probe')
    await approvals.close()

    const outbox = await openOutbox({ path: join(data, 'outbox', 'gateway') })
    expect((await outbox.counts()).waiting.messages).toBe(2)

    const { program } = await startSystem(folder)
    expect(await program.stop()).toMatchObject({ code: 0 })
  })
})

describe('a data directory of a later version', () => {
  const later = 1000

  async function laterStore(kind: string): Promise<string> {
    const path = join(newFolder(), 'store')
    await (await openRecordStore({ path, kind, version: later })).close()
    return path
  }

  it('is refused by every store, with the format that was found and the one that is read', async () => {
    const opened = {
      'jamey broker store': (path: string) => openBrokerStore({ path }),
      'jamey session store': (path: string) => openSessionStore({ path }),
      'jamey approvals': (path: string) =>
        openRecordStore({ path, kind: 'jamey approvals', version: RECORD_FORMATS['jamey approvals'] }),
      'jamey sessions': (path: string) =>
        openRecordStore({ path, kind: 'jamey sessions', version: RECORD_FORMATS['jamey sessions'] }),
    }
    const formats: Readonly<Record<string, number>> = { ...STORE_FORMATS, ...RECORD_FORMATS }
    expect(Object.keys(formats).sort()).toEqual(Object.keys(opened).sort())
    for (const [kind, open] of Object.entries(opened)) {
      const error = await open(await laterStore(kind)).then(
        () => undefined,
        (cause: Error) => cause,
      )
      expect(error).toMatchObject({ code: 'newer-version' })
      expect(error?.message, kind).toContain(`expected format ${formats[kind]} or older, found ${later}`)
    }
  })

  it('stands in docs/upgrading.md with the formats of now', () => {
    const page = readFileSync(resolve(here, '../../docs/upgrading.md'), 'utf8')
    const known = { ...STORE_FORMATS, ...RECORD_FORMATS, 'jamey memory file': MEMORY_FILE_VERSION }
    for (const [kind, format] of Object.entries(known)) expect(page).toContain(`| \`${kind}\` | ${format} |`)
  })
})
