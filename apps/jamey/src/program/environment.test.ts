import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { TestFolder } from '../install/test-folder.support.js'
import { environmentOf } from './environment.js'

const at = new TestFolder()

describe('the environment of a command', () => {
  it('holds what .env adds, filters without quotes, too, and a variable that is set wins', async () => {
    writeFileSync(join(at.path, '.env'), 'A=file\nB=jamey/#\n')
    expect(await environmentOf({ A: 'set' }, at.path)).toEqual({
      env: { A: 'set', B: 'jamey/#' },
      fromFile: new Set(['B']),
    })
    expect((await environmentOf({ A: 'set' }, join(at.path, 'absent'))).env).toEqual({ A: 'set' })
  })
})
