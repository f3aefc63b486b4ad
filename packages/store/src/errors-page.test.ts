import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { createBroker, insecureAuthenticator, MemoryBrokerStore } from '@jamey/broker'
import { createClient } from '@jamey/mqtt'
import { FakeClock, until } from '@jamey/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  backupBrokerStore,
  openBrokerStore,
  openSessionStore,
  StoreError,
  type StoreErrorCode,
} from './index.js'
import { explainFailure } from './lmdb/lmdb-failure.js'
import { newFolder } from './test-support/folder.js'

interface Row {
  readonly code: StoreErrorCode
  readonly mayPass: boolean
  readonly told: string
}

const page = readFileSync(join(import.meta.dirname, '../../../docs/errors.md'), 'utf8')
const section = page.split('\n## Store\n')[1]?.split('\n## ')[0] ?? ''
const rows: Row[] = [...section.matchAll(/^\| ([\w-]+) \| (yes|no) \|.*\|(?: (0x\w\w))? \|$/gm)].map(
  ([, code, mayPass, told = '']) => ({ code: code as StoreErrorCode, mayPass: mayPass === 'yes', told }),
)

const failing = (code: number) => explainFailure('somewhere', Object.assign(new Error('no'), { code }))

/** How each of them comes about. */
const CAUSES: Record<StoreErrorCode, () => unknown> = {
  'in-use': async () => {
    const path = newFolder()
    const store = await openBrokerStore({ path })
    onTestFinished(() => store.close())
    await openBrokerStore({ path })
  },
  'newer-version': () => Promise.reject(new StoreError('newer-version', '', 'see opening.test.ts')),
  'older-version': () => Promise.reject(new StoreError('older-version', '', 'see check-store.test.ts')),
  'migration-failed': () => Promise.reject(new StoreError('migration-failed', '', 'see broker-migration')),
  foreign: async () => {
    const path = newFolder()
    mkdirSync(path)
    writeFileSync(join(path, 'letter.txt'), 'Dear')
    await openSessionStore({ path })
  },
  damaged: () => Promise.reject(failing(-30796)),
  full: () => Promise.reject(failing(constants.errno.ENOSPC)),
  'not-accessible': () => Promise.reject(failing(constants.errno.EROFS)),
  'io-failed': () => Promise.reject(failing(constants.errno.EIO)),
  gone: async () => {
    const path = newFolder()
    const store = await openSessionStore({ path })
    onTestFinished(() => store.close())
    rmSync(path, { recursive: true })
    store.append({
      sequence: 0,
      topic: 't',
      payload: new Uint8Array(1),
      qos: 1,
      retain: false,
      properties: undefined,
    })
    await store.commit()
  },
  closed: async () => {
    const store = await openSessionStore({ path: newFolder() })
    await store.close()
    await store.open()
  },
  exists: async () => {
    const path = newFolder()
    await (await openBrokerStore({ path })).close()
    const to = newFolder()
    mkdirSync(to)
    writeFileSync(join(to, 'letter.txt'), 'Dear')
    await backupBrokerStore({ path, to })
  },
}

class FailingStore extends MemoryBrokerStore {
  failure: Error | undefined

  override async commit(): Promise<void> {
    if (this.failure !== undefined) throw this.failure
    await super.commit()
  }
}

describe('the table of store errors in docs/errors.md', () => {
  it('has every code once', () => {
    expect(rows.map(({ code }) => code).sort()).toEqual(Object.keys(CAUSES).sort())
  })

  it.each(rows)('says of $code whether it may pass, as the error does', async ({ code, mayPass }) => {
    await expect(CAUSES[code]()).rejects.toMatchObject({ name: 'StoreError', code, retryable: mayPass })
  })

  it.each(rows.filter(({ told }) => told !== ''))(
    'says that $code is told as $told',
    async ({ code, told }) => {
      const store = new FailingStore()
      const clock = new FakeClock()
      const broker = await createBroker({
        listeners: [{ host: '127.0.0.1', port: 0, insecure: true }],
        authenticator: insecureAuthenticator(),
        store,
        clock,
      })
      await broker.listen()
      onTestFinished(() => broker.close({ graceMs: 0 }))
      const client = createClient({ url: `mqtt://127.0.0.1:${broker.addresses[0]?.port}`, reconnect: false })
      onTestFinished(async () => void (await client.close({ drain: false })))
      await client.connect()
      store.failure = new StoreError(code, 'somewhere', 'fails')
      await client.publish('r', 'kept', { qos: 0, retain: true })
      await until(() => broker.stats().storeFailures === 1)
      await clock.advance(10_000)
      const reasonCode = Number(told)
      await expect(client.publish('t', 'm', { qos: 1 })).rejects.toMatchObject({ reasonCode })
      expect(broker.stats().refusedByStore).toBe(1)
      store.failure = undefined
    },
  )
})
