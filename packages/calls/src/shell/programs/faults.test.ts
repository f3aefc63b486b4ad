import { describe, expect, it } from 'vitest'
import { isOrdinary } from '../../facts/ordinary.support.js'

describe('a script whose paths its text does not tell', () => {
  it.each([
    ['ln -s . c; echo x > c/c/../../../x', 'ln -s src c; echo x > c/x'],
    ['ln -s .claude c && echo x > c/settings.json', 'ln -s docs c && echo x > c/settings.json'],
    ['cat ..\\..\\x', "grep '..\\.ts' a"],
    ['cat C:\\Users\\ann\\x', 'grep "C:" a'],
    ['echo x > ..\\x', 'echo "a\\nb" > x'],
    ['type %USERPROFILE%\\x', 'awk \'{ printf "%d%%\\n", $1 }\' a'],
    ['type .env', 'type node'],
  ])('%s is asked about; %s is not', (asked, ordinary) => {
    expect([isOrdinary(asked), isOrdinary(ordinary)]).toEqual([false, true])
  })
})
