import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCertificateDirectory } from '@jamey/auth'
import { FakeClock, settled } from '@jamey/testing'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ownFolderOf } from '../install/expiry.js'
import { CertificateKeeper, certificatePaths } from './certificate-keeper.js'

const DAY_MS = 86_400_000
let folder: string
let keeper: CertificateKeeper | undefined
const entries: { text: string; facts: Record<string, unknown> }[] = []
const at = (facts: Record<string, unknown>, text: string) => void entries.push({ text, facts })
const log = { info: at, warn: at } as never
const texts = () => entries.map(({ text }) => text)

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-keeper-'))
  await createCertificateDirectory(join(folder, 'certs'), { components: ['eva'] })
})
afterEach(() => {
  keeper?.stop()
  entries.length = 0
})
afterAll(() => rmSync(folder, { recursive: true }))

const path = (name: string) => join(folder, 'certs', name)

describe('a process that needs certificates', () => {
  it('warns of one that ends within 30 days, at its start and once a day', async () => {
    const clock = new FakeClock(Date.now() + 340 * DAY_MS)
    keeper = new CertificateKeeper({ paths: [path('eva.crt'), path('ca.crt')], log, clock })
    await keeper.start()
    expect(entries).toMatchObject([
      {
        text: 'a certificate ends soon',
        facts: { certificate: 'eva', days_left: 24, path: path('eva.crt') },
      },
    ])
    await clock.advance(DAY_MS)
    await settled()
    expect(entries.map(({ facts }) => facts['days_left'])).toEqual([24, 23])
    await clock.advance(40 * DAY_MS)
    await settled()
    expect(texts().at(-1)).toBe('a certificate has ended')
    keeper.stop()
    const { length } = entries
    await clock.advance(3 * DAY_MS)
    expect(entries).toHaveLength(length)
  })

  it('says nothing of what is good for longer, nor of what is not there', async () => {
    keeper = new CertificateKeeper({ paths: [path('eva.crt'), path('absent.crt')], log })
    await keeper.start()
    expect(entries).toEqual([])
  })

  it('renews what is in a folder whose authority is at hand, and goes on where that fails', async () => {
    const clock = new FakeClock(Date.now() + 340 * DAY_MS)
    const before = readFileSync(path('eva.crt'), 'utf8')
    expect(ownFolderOf([path('server.crt')])).toBe(join(folder, 'certs'))
    renameSync(path('ca.key'), join(folder, 'ca.key'))
    expect(ownFolderOf([path('server.crt')])).toBeUndefined()
    writeFileSync(path('ca.key'), 'no key', { mode: 0o600 })
    keeper = new CertificateKeeper({ paths: [path('eva.crt')], folder: join(folder, 'certs'), log, clock })
    await keeper.start()
    expect(texts()).toEqual(['certificates cannot be renewed', 'a certificate ends soon'])
    renameSync(join(folder, 'ca.key'), path('ca.key'))
    await clock.advance(DAY_MS)
    await expect.poll(texts).toContain('certificates were renewed')
    expect(readFileSync(path('eva.crt'), 'utf8')).not.toBe(before)
    expect(entries.at(-1)?.facts['written']).toEqual(['eva.crt', 'server.crt'])
  })

  it('knows them by its environment, each once', () => {
    const env = {
      MQTT_TLS_CLIENT_CERT: 'a',
      MQTT_TLS_CA_CERT: 'ca',
      JAMEY_HTTP_CA: 'ca',
      JAMEY_HTTP_CERT: '',
    }
    expect(certificatePaths(env, (one) => `/x/${one}`)).toEqual(['/x/a', '/x/ca'])
  })
})
