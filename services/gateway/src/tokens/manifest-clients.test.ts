import type { ClientEntry } from '@jamey/auth'
import { type Manifest, readManifest } from '@jamey/manifest'
import { describe, expect, it } from 'vitest'
import { ManifestClients } from './manifest-clients.js'

const of = (clientId: string): ClientEntry => ({
  clientId,
  permissions: ['#'],
  lifetimeSeconds: 60,
  secrets: [],
})
/** Everybody has a secret and a certificate; the registry has tests of its own. */
const everybody = {
  authenticate: async (clientId: string, secret: string) => (secret === 'right' ? of(clientId) : undefined),
  certified: async (clientId: string) => of(clientId),
}

function manifestOf(...lines: string[]): Manifest {
  return readManifest(`version: 1\nclients:\n${lines.map((line) => `  ${line}\n`).join('')}`)
}

describe('tokens where there is a manifest', () => {
  const current = manifestOf(
    'desk: { proof: secret, permissions: [lab/%c] }',
    'robot: { proof: certificate, permissions: [jobs] }',
    'both: { proof: [certificate, secret] }',
    'plain: { permissions: [lab] }',
  )

  it('have its permissions, and go to whom it names by the proof that it wants', async () => {
    const clients = new ManifestClients({ current }, everybody)
    const permissions = async (entry: Promise<ClientEntry | undefined>) => (await entry)?.permissions
    expect(await clients.authenticate('desk', 'right')).toEqual({ ...of('desk'), permissions: ['lab/%c'] })
    expect(await clients.authenticate('desk', 'wrong')).toBeUndefined()
    expect(await permissions(clients.authenticate('robot', 'right'))).toBeUndefined()
    expect(await permissions(clients.authenticate('plain', 'right'))).toBeUndefined()
    expect(await permissions(clients.authenticate('mallory', 'right'))).toBeUndefined()
    expect(await permissions(clients.certified('robot'))).toEqual(['jobs'])
    for (const name of ['desk', 'plain', 'mallory']) expect(await clients.certified(name)).toBeUndefined()
    expect(await permissions(clients.authenticate('both', 'right'))).toEqual([])
    expect(await permissions(clients.certified('both'))).toEqual([])
  })

  it('go to whoever shows a certificate that it wants, without a file of clients', async () => {
    const clients = new ManifestClients({ current }, undefined)
    expect(await clients.authenticate('desk', 'right')).toBeUndefined()
    expect(await clients.certified('robot')).toMatchObject({ clientId: 'robot', permissions: ['jobs'] })
  })

  it('are those of the manifest as it is when they are asked for', async () => {
    const live = { current }
    const clients = new ManifestClients(live, everybody)
    live.current = manifestOf('desk: { proof: secret, permissions: [news] }')
    expect((await clients.authenticate('desk', 'right'))?.permissions).toEqual(['news'])
    expect(await clients.certified('robot')).toBeUndefined()
  })
})
