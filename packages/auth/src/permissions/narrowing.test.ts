import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { narrowedTo } from './narrowing.js'
import { Permissions } from './permissions.js'

const clientId = 'eva'
const make = (list: readonly string[]): Permissions => new Permissions(list, { clientId })
const narrowed = (one: readonly string[], other: readonly string[]): readonly string[] =>
  narrowedTo(make(one), make(other))

describe('what two lists allow', () => {
  it.each<[string[], string[], string[]]>([
    [['#'], ['publish:a/+'], ['publish:a/+']],
    [['publish:a/#'], ['+/b/#'], ['publish:a/b/#']],
    [['publish:a/#'], ['publish:a'], ['publish:a']],
    [['publish:a'], ['subscribe:a'], []],
    [['subscribe:#'], ['subscribe:$share/g/a'], []],
    [['subscribe:$share/g/+'], ['subscribe:$share/g/a', 'subscribe:$share/h/a'], ['subscribe:$share/g/a']],
    [['publish:+/%c'], ['publish:a/+'], ['publish:a/eva']],
    [['publish:#'], ['publish:$SYS/a'], []],
    [['publish:/#'], ['publish:+'], []],
    [['publish:a/ /#'], ['publish:a/+'], []],
    [['act-for:+', 'relay:+'], ['act-for:+', 'relay:+'], []],
    [['publish:a/b', 'publish:a/#'], ['publish:#'], ['publish:a/b', 'publish:a/#']],
  ])('%j and %j is %j', (one, other, both) => {
    expect(narrowed(one, other)).toEqual(both)
  })

  it('is what each of them allows', () => {
    const level = fc.constantFrom('a', 'b', '$c', '%c', '+', '')
    const filter = fc
      .tuple(fc.array(level, { minLength: 1, maxLength: 3 }), fc.boolean())
      .map(([levels, isOpen]) => [...levels, ...(isOpen ? ['#'] : [])].join('/'))
      .filter((text) => text !== '')
    const entry = fc
      .tuple(fc.constantFrom('publish:', 'subscribe:', ''), filter)
      .map((parts) => parts.join(''))
    const entries = fc.array(entry, { maxLength: 3 })
    const topic = fc.array(fc.constantFrom('a', 'b', '$c', 'eva', ''), { minLength: 1, maxLength: 4 })
    const holds = (one: string[], other: string[], levels: string[], wanted: string): void => {
      const [left, right] = [make(one), make(other)]
      const both = make(narrowedTo(left, right))
      const name = levels.join('/')
      expect(both.mayPublish(name)).toBe(left.mayPublish(name) && right.mayPublish(name))
      expect(both.mayReceive(name)).toBe(left.mayReceive(name) && right.mayReceive(name))
      const filterOf = wanted.replaceAll('%c', 'eva')
      const isCovered = left.maySubscribe(filterOf) && right.maySubscribe(filterOf)
      expect(both.maySubscribe(filterOf)).toBe(isCovered)
    }
    fc.assert(fc.property(entries, entries, topic, filter, holds), { numRuns: 3000 })
  })
})
