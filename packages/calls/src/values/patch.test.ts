import { describe, expect, it } from 'vitest'
import { filesInPatch } from './patch.js'

describe('the files of a patch', () => {
  it.each([
    ['*** Begin Patch\n*** Add File: src/a.ts\n+x\n*** End Patch', ['write src/a.ts']],
    ['*** Delete File: ../x', ['delete ../x']],
    [
      '*** Update File: a\n*** Move to: ~/.ssh/authorized_keys\n',
      ['write a', 'write ~/.ssh/authorized_keys'],
    ],
    ['  *** Add File:/etc/x  \r\n+x', ['write /etc/x']],
    ['--- a/src/x\t2026-01-01\n+++ b/../../etc/y\n', ['write src/x', 'write ../../etc/y']],
    ['--- /dev/null\n+++ "b/with blank"\n', ['write with blank']],
    ['rename from a\nrename to ../b\n', ['write a', 'write ../b']],
    ['*** Update File: a\v*** Add File: ../x', ['write a', 'write ../x']],
    ['*** Update File: a\f*** Add File: ../x', ['write a', 'write ../x']],
    ['*** Update File: a\u0085*** Add File: ../x', ['write a', 'write ../x']],
    ['--- a/x\n+++ /dev/null\n', ['write x', 'delete x']],
    ['--- /dev/null\n+++ b/x\n', ['write x']],
    ['*** a/x.txt\t2026-01-01\n--- b/y\n', ['write x.txt', 'write y']],
    ['Index: src/x\n', ['write src/x']],
    ['+x\n-y\n z', []],
  ])('are those that its headers name: %j', (patch, files) => {
    expect(filesInPatch(patch).map(({ text, access }) => `${access} ${text}`)).toEqual(files)
  })

  it('are found in lines of any length', () => {
    const blanks = ' '.repeat(1_000_000)
    for (const line of [`*** Add File: a${blanks}b`, `*** Add${blanks}`, `+++ a${blanks}b${blanks}`])
      expect(filesInPatch(line).length).toBeLessThanOrEqual(1)
  })
})
