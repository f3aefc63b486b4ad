import { describe, expect, it } from 'vitest'
import { factsOf } from './facts.js'

const PLACE = { workspace: '/srv/app', home: '/home/ann' }
/** As a guard of a server has it, and as agents have it that read resources by a tool. */
const TOOLS = ['mcp__tickets__resources/read', 'read_mcp_resource', 'access_mcp_resource']

describe.each(TOOLS)('a URI that %s is given', (tool) => {
  const of = (uri: string) => factsOf({ tool, arguments: { uri } }, PLACE)

  it.each([
    'file:///etc/shadow',
    'FILE:///etc/shadow',
    'file:/etc/shadow',
    'file:etc/shadow',
    'file:////etc/shadow',
    'file://localhost/etc/shadow',
    'file://LOCALHOST/srv/../etc/shadow',
    'file://localhost/../etc/shadow',
    'file://127.0.0.1/etc/shadow',
    'file://evil.example/etc/shadow',
    'file://user:password@host/etc/shadow',
    'file:///etc/shadow?x',
    'file:///etc/shadow#x',
    'file://host/etc/shadow?x#y',
    'file:///srv/app/a.txt?/../../../../etc/shadow',
    'file:///etc/%73hadow',
    'file:///etc/%2573hadow',
    'file:///%65tc%2Fshadow',
    'file:///srv/app/%252e%252e/%252e%252e/etc/shadow',
    'file:///etc\\shadow',
    '/etc/shadow',
  ])('is known for the file of passwords that some server reads there: %s', (uri) => {
    const { files, unread } = of(uri)
    const isFound = files.some(
      ({ path, isSecret, access }) => path === '/etc/shadow' && isSecret && access === 'read',
    )
    // What leads to no file of its own is at least no address that anybody understands.
    expect(isFound || unread.length > 0 || of(uri).urls.some(({ host }) => host === 'etc')).toBe(true)
    if (uri.startsWith('file:')) expect(isFound).toBe(true)
  })

  it.each([
    'file:///srv/app/.env',
    'file:///srv/app/.%65nv',
    'file:///srv/app/.env?raw',
    'file:///srv/app/%2eenv#top',
  ])('is known for a file of secrets of the workspace: %s', (uri) =>
    expect(of(uri).files).toContainEqual(expect.objectContaining({ path: '/srv/app/.env', isSecret: true })),
  )

  it('is no more than a file of the workspace where it is one', () => {
    expect(of('file:///srv/app/src/a%20b.ts')).toMatchObject({
      files: [{ path: '/srv/app/src/a b.ts', place: 'workspace', isSecret: false }],
      urls: [],
      unread: [],
    })
  })

  it.each(['https://user:password@x.example/a', 'HTTPS://x.example'])(
    'is a page where it is one: %s',
    (uri) => {
      expect(of(uri)).toMatchObject({ files: [], urls: [{ host: 'x.example' }] })
      expect(of(uri).effects).toContain('outward-read')
    },
  )

  it.each([
    'https://good.example"@evil.example/x',
    'https://good.example{@evil.example/x',
    'https://good.example @evil.example/x',
    'https://{x}@evil.example/',
    "https://'@evil.example/",
  ])('is a page of the host that it leads to, whatever stands in front: %s', (uri) => {
    expect(of(uri).urls).toContainEqual(expect.objectContaining({ host: 'evil.example', hasUserInfo: true }))
  })

  it('takes no longer the longer it is', () => {
    const uri = `file:///${'%2525'.repeat(50_000)}?${'#'.repeat(50_000)}`
    const before = process.cpuUsage().user
    of(uri)
    expect(process.cpuUsage().user - before).toBeLessThan(2_000_000)
  })
})
