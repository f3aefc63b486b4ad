import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { LiveManifest, permissionsIn, readManifestFile } from '../index.js'

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-manifest-'))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

function fileWith(text: string, mode = 0o644): string {
  const path = join(folder, 'permissions.yaml')
  rmSync(path, { force: true })
  writeFileSync(path, text)
  chmodSync(path, mode)
  return path
}

describe('what a file lists for a client', () => {
  it('is its permissions with those of its roles, nothing for one that it does not name, and an error for no manifest', () => {
    const path = fileWith(
      "version: 1\nroles: { watcher: { permissions: ['subscribe:lab/#'] } }\nclients: { eva: { roles: [watcher], permissions: ['publish:lab/%c'] } }\n",
    )
    expect(permissionsIn(path, 'eva')?.toSorted()).toEqual(['publish:lab/%c', 'subscribe:lab/#'])
    expect(permissionsIn(path, 'bob')).toBeUndefined()
    expect(() => permissionsIn(fileWith('version: 2\n'), 'eva')).toThrow('version')
  })
})

describe('a manifest that is kept up to date', () => {
  it('is read again when its file changes, and stays as it was where that cannot be used', async () => {
    const path = fileWith('version: 1\nclients: { eva: {} }\n')
    const errors: Error[] = []
    const live = new LiveManifest(path, { onError: (error) => errors.push(error) })
    onTestFinished(() => live.stop())
    const last = () => live.current.clients.at(-1)?.clientId
    expect(last()).toBe('eva')
    fileWith('version: 1\nclients: { bob: {} }\n')
    await expect.poll(last).toBe('bob')
    fileWith('version: 1\nclients: { carl: 1 }\n')
    await expect.poll(() => errors.length).toBe(1)
    expect(errors[0]?.message).toContain('clients.carl')
    expect(last()).toBe('bob')
    rmSync(path)
    expect(() => new LiveManifest(path)).toThrow('found no file')
  })
})

describe('the file of a manifest', () => {
  it('is read, and faults call it as they were told', () => {
    const path = fileWith('version: 1\nclients: { eva: {} }\n')
    expect(readManifestFile(path).clients.at(-1)?.clientId).toBe('eva')
    expect(readManifestFile(path).fileName).toBe(path)
    fileWith('version: 1\nclients: { eva: 1 }\n')
    expect(() => readManifestFile(path, 'p.yaml')).toThrow(/p\.yaml:2:17: clients\.eva: /)
  })

  it.each([
    ['is not there', () => join(folder, 'none.yaml'), 'found no file'],
    ['is a folder', () => folder, 'found a file that cannot be read (EISDIR)'],
    ['is far too large', () => fileWith(`# ${'x'.repeat(6_400_000)}`), 'EFBIG'],
    ['can be written by others', () => fileWith('version: 1\n', 0o666), 'write'],
  ])('is refused where it %s', (_, path, found) => {
    expect(() => readManifestFile(path())).toThrow(
      expect.objectContaining({ code: 'manifest-unreadable', message: expect.stringContaining(found) }),
    )
  })
})
