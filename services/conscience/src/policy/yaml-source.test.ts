import { expect, it } from 'vitest'
import { RuleFileError } from './policy-errors.js'
import { parsePolicy } from './policy-file.js'

/** The line and the column of each fault in a policy whose first rule has this condition, from line 6 on. */
function placesIn(when: string): (readonly [line: number, column: number])[] {
  const text = `version: 1
rules:
  - name: a
    decision: deny
    reason: no
    when: ${when}
  - { name: b, decision: deny, reason: no, when: 'true' }
`
  try {
    parsePolicy(text, 'policy.yaml')
  } catch (error) {
    if (error instanceof RuleFileError) return error.faults.map(({ line, column }) => [line, column])
    throw error
  }
  return []
}

it.each<[string, string, [number, number]]>([
  ['in one line', 'tool ==', [6, 18]],
  ['in quotes', '"tool == "', [6, 19]],
  ['in a block', '>-\n      tool\n      ==', [8, 9]],
])(
  'a condition %s that ends too early is refused where it ends, not where the next rule begins',
  (_, when, place) => {
    expect(placesIn(when)).toEqual([place])
  },
)

it('a fault within a condition of several lines is told at its own line', () => {
  expect(placesIn(">-\n      tool == 'a' &&\n      nothing == 'b'")).toEqual([[8, 7]])
})
