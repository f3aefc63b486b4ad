import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { jamey, removeFolder, type System, startSystem } from './program.js'

/** What the commands do with many memories at once, against a whole system. */

let system: System

beforeAll(async () => {
  system = await startSystem()
})

afterAll(async () => {
  await system?.program.stop()
  removeFolder(system?.folder)
})

const run = (...args: string[]) => jamey(system.folder, args)

function write(name: string, text: string): string {
  writeFileSync(join(system.folder, name), text)
  return name
}

async function totalOf(tag: string): Promise<number> {
  const { stdout } = await run('recall', '--tag', tag, '--json')
  return (JSON.parse(stdout) as { total: number }).total
}

describe('remember --file', () => {
  const remember = (file: string, tag: string) => run('remember', '--file', file, '--tag', tag)

  it('stores a paragraph that occurs twice in the file, or stood in another one, once', async () => {
    const first = await remember(
      write('first.md', 'Ana likes tea.\n\nBen likes jazz.\n\nAna likes tea.\n'),
      'twice',
    )
    expect(first).toMatchObject({ code: 0, stderr: '' })
    expect(first.stdout).toContain('stored 2 paragraphs of first.md')
    expect(first.stdout).toContain('(1 known already)')
    const other = await remember(write('other.md', 'Cleo likes rain.\n\nBen likes jazz.\n'), 'twice')
    expect(other).toMatchObject({ code: 0, stderr: '' })
    expect(other.stdout).toContain('stored 1 paragraph of other.md')
    expect(await totalOf('twice')).toBe(3)
  })

  it('stores what is new of an edited file, and nothing when it is repeated', async () => {
    await remember(write('notes.md', 'One.\n\nTwo.\n\nThree.\n'), 'edited')
    const edited = await remember(
      write('notes.md', 'Before all.\n\nOne.\n\nTwo and a half.\n\nThree.\n'),
      'edited',
    )
    expect(edited).toMatchObject({ code: 0, stderr: '' })
    expect(edited.stdout).toMatch(/stored 2 paragraphs of notes\.md .*\(2 known already\)/)
    const again = await remember('notes.md', 'edited')
    expect(again.stdout).toMatch(/stored 0 paragraphs of notes\.md .*\(4 known already\)/)
    expect(await totalOf('edited')).toBe(5)
  })

  it('sets aside a paragraph that the memory refuses, says which, and stores the others', async () => {
    const { code, stdout, stderr } = await remember(
      write('odd.md', 'Good.\n\nBad \0 one.\n\nGood, too.\n'),
      'odd',
    )
    expect(code).toBe(1)
    expect(stdout).toContain('stored 2 paragraphs of odd.md')
    expect(stderr).toContain('1 of 3 paragraphs were refused: paragraph 2: content: must not contain')
    expect(await totalOf('odd')).toBe(2)
  })
})
