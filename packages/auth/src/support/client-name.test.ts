import { describe, expect, it } from 'vitest'
import { newClientNameFault, shownClientName } from './client-name.js'

describe('an identifier that a client is given', () => {
  it.each([
    'robot-7',
    'Robot 7',
    'worker_1.lab',
    'bäcker',
    'робот-7',
    'ρομπότ',
    'ロボット7号',
    'robotロボット',
    'روبوت',
    '로봇',
    "' OR 1=1 --",
    '%c',
    '🤖',
  ])('may be %s, which is taken for no other', (name) => {
    expect(newClientNameFault(name, ['robot-8', name])).toBeUndefined()
    expect(shownClientName(name)).toBe(name)
  })

  it.each([
    ['a control character', 'robot\u001b7', 'has U+001B, which is not seen', 'robot\\u{1b}7'],
    ['a line break', 'robot\n7', 'has U+000A, which is not seen', 'robot\\u{a}7'],
    [
      'a mark that turns what follows around',
      'robot\u202e7',
      'has U+202E, which is not seen',
      'robot\\u{202e}7',
    ],
    ['an isolate', '\u2066robot', 'has U+2066, which is not seen', '\\u{2066}robot'],
    ['a space without width', 'ro\u200bbot', 'has U+200B, which is not seen', 'ro\\u{200b}bot'],
    ['a soft hyphen', 'ro\u00adbot', 'has U+00AD, which is not seen', 'ro\\u{ad}bot'],
    ['a lone surrogate', 'robot\ud800', 'has U+D800, which is not seen', 'robot\\u{d800}'],
    ['a space in front', ' robot', 'begins with a space (U+0020)', ' robot'],
    ['a space behind', 'robot ', 'ends with a space (U+0020)', 'robot '],
    ['a space of another kind', 'robot\u00a07', 'has U+00A0, which looks like a space', 'robot\\u{a0}7'],
    ['a letter and its mark apart', 'ba\u0308cker', 'is not written in its normal form', 'ba\\u{308}cker'],
    ['a letter of full width', '\uff52obot', 'has U+FF52, which looks like "r"', '\\u{ff52}obot'],
    ['a ligature', '\ufb01sh', 'has U+FB01, which looks like "fi"', '\\u{fb01}sh'],
    ['one Cyrillic letter', 'r\u043ebot', 'has U+043E (Cyrillic) among letters of Latin', 'r\\u{43e}bot'],
    ['one Greek letter', 'r\u03bfbot', 'has U+03BF (Greek) among letters of Latin', 'r\\u{3bf}bot'],
    [
      'one Latin letter',
      '\u0440\u043ebot',
      'has U+0062 (Latin) among letters of Cyrillic',
      '\\u{440}\\u{43e}bot',
    ],
  ])('is none with %s, and is shown so that it is seen', (_, name, fault, shown) => {
    expect(newClientNameFault(name)).toContain(fault)
    expect(shownClientName(name)).toBe(shown)
  })

  it.each([
    ['ape', '\u0430\u0440\u0435', 'Cyrillic letters alone'],
    ['robot-l', 'robot-1', 'a digit for a letter'],
    ['worker-10', 'worker-1O', 'a letter for a digit'],
  ])('is none where it looks like %s, which there is: %s (%s)', (known, name) => {
    expect(newClientNameFault(name, [known])).toBe(`looks like ${known}, which there is`)
    expect(newClientNameFault(name, [name, 'other'])).toBeUndefined()
  })

  it('has to be a client identifier at all', () => {
    expect(newClientNameFault('a/b')).toContain('topic separator')
    expect(newClientNameFault('')).toBe('is empty')
  })
})
