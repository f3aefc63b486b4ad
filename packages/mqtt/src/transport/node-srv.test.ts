import type { SrvRecord } from 'node:dns'
import { describe, expect, it } from 'vitest'
import { credentialsOf } from './endpoint.js'
import { readSrvUrl } from './node-srv.js'

const record = (name: string, priority: number, weight: number, port = 8883): SrvRecord => ({
  name,
  priority,
  weight,
  port,
})

/** Asked for what, and answered with this. */
function dns(records: readonly SrvRecord[]) {
  const asked: string[] = []
  const resolve = async (name: string): Promise<readonly SrvRecord[]> => {
    asked.push(name)
    return records
  }
  return { asked, resolve }
}

async function hrefs(url: string, records: readonly SrvRecord[], random = () => 0): Promise<string[]> {
  const { resolve } = dns(records)
  return ((await readSrvUrl(url, resolve, random).servers?.()) ?? []).map(({ href }) => href)
}

describe('the servers of a name', () => {
  it('are those of the service that the scheme means', async () => {
    for (const [url, name, href] of [
      ['mqtts+srv://example.org', '_secure-mqtt._tcp.example.org', 'mqtts://a.example.org:1'],
      ['MQTT+SRV://example.org', '_mqtt._tcp.example.org', 'mqtt://a.example.org:1'],
    ] as const) {
      const { asked, resolve } = dns([record('a.example.org', 0, 0, 1)])
      const [server] = (await readSrvUrl(url, resolve).servers?.()) ?? []
      expect([asked, server?.href]).toEqual([[name], href])
    }
  })

  it('come by priority, and among equals as chance and weight have it', async () => {
    const records = [
      record('late.example.org', 20, 1),
      record('light.example.org', 10, 1),
      record('heavy.example.org', 10, 9),
    ]
    const order = (random: number) =>
      hrefs('mqtts+srv://example.org', records, () => random).then((all) =>
        all.map((href) => /\/\/(\w+)/.exec(href)?.[1]),
      )
    expect(await order(0)).toEqual(['light', 'heavy', 'late'])
    expect(await order(0.5)).toEqual(['heavy', 'light', 'late'])
  })

  it('lie at the name or below it', async () => {
    const records = [
      record('evil.test', 0, 0),
      record('evilexample.org', 0, 0),
      record('Example.org.', 1, 0),
      record('b.example.org', 2, 0),
    ]
    expect(await hrefs('mqtts+srv://example.org', records)).toEqual([
      'mqtts://example.org:8883',
      'mqtts://b.example.org:8883',
    ])
    await expect(hrefs('mqtts+srv://example.org', records.slice(0, 2))).rejects.toThrow(
      'name evil.test, evilexample.org; expected servers at or below example.org',
    )
    await expect(hrefs('mqtts+srv://example.org', [record('', 0, 0)])).rejects.toMatchObject({
      code: 'unreachable',
      retryable: true,
    })
  })

  it('are logged in to with the user and password of the URL', async () => {
    const { resolve } = dns([record('a.example.org', 0, 0)])
    const name = readSrvUrl('mqtts+srv://me:hush@example.org', resolve)
    const [server] = (await name.servers?.()) ?? []
    expect(server && credentialsOf(server)).toEqual({ username: 'me', password: 'hush' })
    expect(name.href).toBe('mqtts+srv://example.org')
  })

  it.each(['mqtts+srv://a:1883', 'mqtts+srv://a/path', 'wss+srv://a', 'mqtts+srv://a?x=1'])(
    'cannot be asked for with %s',
    (url) => {
      expect(() => readSrvUrl(url)).toThrow(expect.objectContaining({ code: 'invalid-argument' }))
    },
  )
})
