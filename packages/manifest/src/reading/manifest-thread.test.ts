import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ManifestError, readManifest, readManifestFileAside } from '../index.js'

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-manifest-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function file(text: string): string {
  const path = join(folder, 'permissions.yaml')
  writeFileSync(path, text, { mode: 0o600 })
  return path
}

const large = (permission: string): string => {
  const client = (_: unknown, i: number): string =>
    `  robot-${i}: { permissions: ['${permission}', 'lab/${i}/#'] }\n`
  return `version: 1\nclients:\n${Array.from({ length: 300 }, client).join('')}`
}

/** Counts the turns of the event loop until `work` has settled. */
async function turnsDuring(work: Promise<unknown>): Promise<number> {
  let turns = 0
  let isOver = false
  const turn = (): void => {
    turns++
    if (!isOver) setImmediate(turn)
  }
  setImmediate(turn)
  await work.catch(() => {})
  isOver = true
  return turns
}

describe('a large manifest that is read aside', () => {
  it('says what it says, and holds nobody up meanwhile', async () => {
    const text = large('publish:lab/%c/#')
    const reading = readManifestFileAside(file(text), 'permissions.yaml')
    // Read at once, it would be there after two.
    expect(await turnsDuring(reading)).toBeGreaterThan(20)
    expect(await reading).toEqual(readManifest(text))
  })

  it('is refused with everything that is wrong with it, by lines', async () => {
    const text = large('a%c').replace('  robot-299', '  robot-0')
    const expected = (): unknown => {
      try {
        return readManifest(text)
      } catch (error) {
        return (error as ManifestError).faults
      }
    }
    const error = await readManifestFileAside(file(text), 'permissions.yaml').catch((reason) => reason)
    expect(error).toBeInstanceOf(ManifestError)
    expect(error.faults).toEqual(expected())
    expect(error.faults.length).toBeGreaterThan(250)
  })

  it('is refused where there is no such file', async () => {
    await expect(readManifestFileAside(join(folder, 'none.yaml'))).rejects.toMatchObject({
      code: 'manifest-unreadable',
    })
  })
})
