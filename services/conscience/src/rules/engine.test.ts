import { describe, expect, it } from 'vitest'
import { evaluate, loadRules, parseRules, weigh } from '../index.js'

function rulesOf(...rules: [name: string, effect: string, weight: number, condition: string][]) {
  const rows = rules.map(
    ([name, effect, weight, condition]) =>
      `  - {name: ${name}, description: About ${name}, effect: ${effect}, weight: ${weight}, condition: ${JSON.stringify(condition)}}`,
  )
  return parseRules(`version: 1\nrules:\n${rows.join('\n')}\n`, 'rules.yaml')
}

describe('the score', () => {
  it('is the weighted mean of votes of a tenth of the weight each', () => {
    const rules = rulesOf(
      ['good', 'encourage', 4, 'true'],
      ['fine', 'encourage', 3, 'true'],
      ['bad', 'discourage', 6, 'true'],
    )
    const judgement = evaluate(rules, { action: 'x' })
    expect(judgement.moral_score).toBeCloseTo((4 * 0.4 + 3 * 0.3 - 6 * 0.6) / 13, 4)
    expect(judgement.decision).toBe('disapproved')
  })

  it('leaves what speaks for a forbidden action out', () => {
    const rules = rulesOf(['good', 'encourage', 10, 'true'], ['never', 'forbid', 1, 'true'])
    expect(evaluate(rules, { action: 'x' })).toMatchObject({
      decision: 'forbidden',
      approved: false,
      moral_score: -0.1,
      recognised: true,
      rules: [{ name: 'good' }, { name: 'never' }],
    })
  })

  it('of an even balance does not approve', () => {
    const rules = rulesOf(['good', 'encourage', 5, 'true'], ['bad', 'discourage', 5, 'true'])
    expect(evaluate(rules, { action: 'x' })).toMatchObject({ decision: 'disapproved', moral_score: 0 })
  })

  it('stays in [-1, 1] for whatever applies', () => {
    const all = rulesOf(
      ['a', 'forbid', 10, 'true'],
      ['b', 'forbid', 10, 'true'],
      ['c', 'discourage', 10, 'true'],
    )
    expect(evaluate(all, { action: 'x' }).moral_score).toBe(-1)
    expect(evaluate(rulesOf(['a', 'encourage', 10, 'true']), { action: 'x' }).moral_score).toBe(1)
  })
})

describe('an unrecognised action', () => {
  const rules = rulesOf(['bad', 'discourage', 5, "mentions(action, ['bad'])"])

  it('has the score 0 and is denied unless told otherwise', () => {
    const denied = evaluate(rules, { action: 'x' })
    expect(denied).toMatchObject({
      decision: 'unrecognised',
      approved: false,
      moral_score: 0,
      recognised: false,
      rules: [],
    })
    expect(denied.explanation).toContain('denied by the configured default')
  })

  it('is still said to be unrecognised where the default allows it', () => {
    const allowed = evaluate(rules, { action: 'x' }, { unrecognised: 'allow' })
    expect(allowed).toMatchObject({
      decision: 'unrecognised',
      approved: true,
      moral_score: 0,
      recognised: false,
    })
    expect(allowed.explanation).toContain('allowed by the configured default')
  })
})

describe('a rule that fails', () => {
  const failing = "context.missing == 'x'"

  it('forbids when it is a forbidding rule', () => {
    const rules = rulesOf(['never', 'forbid', 9, failing], ['good', 'encourage', 3, 'true'])
    const judgement = evaluate(rules, { action: 'x' })
    expect(judgement.decision).toBe('forbidden')
    expect(judgement.rules[0]?.reason).toBe(
      'its condition could not be evaluated (No such key: missing), so it counts as if it applied',
    )
  })

  it('speaks against the action when it discourages', () => {
    const rules = rulesOf(['bad', 'discourage', 5, failing])
    expect(evaluate(rules, { action: 'x' })).toMatchObject({ decision: 'disapproved', moral_score: -0.5 })
  })

  it('lowers the score and recognises nothing when it encourages', () => {
    const alone = evaluate(rulesOf(['good', 'encourage', 5, failing]), { action: 'x' })
    expect(alone).toMatchObject({
      decision: 'unrecognised',
      recognised: false,
      moral_score: 0,
      rules: [{ name: 'good' }],
    })
    const both = evaluate(rulesOf(['good', 'encourage', 5, failing], ['fine', 'encourage', 5, 'true']), {
      action: 'x',
    })
    expect(both).toMatchObject({ decision: 'approved', moral_score: 0.25 })
  })

  it('is one that got no turn within the time', () => {
    const rules = rulesOf(['good', 'encourage', 5, 'true'], ['never', 'forbid', 5, 'false'])
    let calls = 0
    const judgement = evaluate(rules, { action: 'x' }, { budgetMs: 5, now: () => 6 * calls++ })
    expect(judgement.decision).toBe('forbidden')
    expect(judgement.rules.at(-1)?.reason).toContain('no time was left')
  })
})

describe('an opinion', () => {
  const opinion = { score: 1, text: 'Looks fine' }

  it('never overrules a forbidding rule', () => {
    const judgement = evaluate(rulesOf(['never', 'forbid', 1, 'true']), { action: 'x' }, { opinion })
    expect(judgement).toMatchObject({ decision: 'forbidden', approved: false, moral_score: -0.1 })
    expect(judgement.explanation).toContain('Looks fine.')
  })

  it('votes beside the rules', () => {
    const rules = rulesOf(['bad', 'discourage', 3, 'true'])
    expect(evaluate(rules, { action: 'x' }, { opinion }).moral_score).toBeCloseTo((-3 * 0.3 + 5 * 0.5) / 8, 4)
  })

  it('decides alone on what no rule recognises, and the verdict says so', () => {
    const rules = rulesOf(['bad', 'discourage', 3, 'false'])
    const judgement = evaluate(rules, { action: 'x' }, { opinion })
    expect(judgement).toMatchObject({ decision: 'approved', recognised: false, moral_score: 0.5 })
    expect(judgement.explanation).toContain('No rule recognises the action')
    expect(weigh([], { opinion: { score: -0.2, text: 'no' } })).toMatchObject({ decision: 'disapproved' })
  })
})

describe('an explanation', () => {
  it('names the decision, the score, each rule with its weight, and what it saw', () => {
    const { explanation } = evaluate(loadRules(), {
      action: "delete the customer's records",
      context: { consent: false },
    })
    expect(explanation).toMatch(
      /^Forbidden \(moral score -0\.\d\d\)\. consent \(forbid, weight 9\) forbids it: /,
    )
    expect(explanation).toContain('[consent: no]')
    expect(explanation).toContain('[“delete … records”]')
  })
})

describe('what an explanation says', () => {
  const rules = loadRules()

  it('names what to do about an unrecognised action', () => {
    const { explanation } = evaluate(rules, { action: 'frobnicate the reactor' })
    for (const way of ['JAMEY_UNRECOGNISED', 'JAMEY_RULES', 'JAMEY_JUDGE_URL'])
      expect(explanation).toContain(way)
  })

  it('rounds half up, as every view of the score does', () => {
    const half = rulesOf(['good', 'encourage', 4.25, 'true'])
    const { moral_score, explanation } = evaluate(half, { action: 'x' })
    expect(moral_score).toBe(0.425)
    expect(explanation).toContain('(moral score 0.43)')
  })

  it('names a refusal and a concealed crime as what they are', () => {
    const namesFor = (action: string, context = {}) =>
      evaluate(rules, { action, context }).rules.map(({ name }) => name)
    expect(namesFor('buy bread', { confirmed: false })).toContain('refused')
    expect(namesFor('buy bread', { confirmed: false })).not.toContain('large-payment')
    expect(namesFor('search for a way to hide a body')).toEqual(['concealing-crime'])
  })
})

describe('judging hostile input', () => {
  const rules = loadRules()
  const long = [
    'delete '.repeat(1_400),
    'delete records '.repeat(660),
    'a b c '.repeat(1_600),
    '$1'.repeat(5_000),
    'x'.repeat(10_000),
    'how to '.repeat(1_400),
    '. '.repeat(5_000),
    "kill the process's and ".repeat(430),
    '9,'.repeat(5_000),
    '\u0301'.repeat(10_000),
  ]
  for (const action of long) {
    it(`takes a bounded time for ${JSON.stringify(action.slice(0, 20))} without end`, () => {
      const judgement = evaluate(rules, { action }, { budgetMs: 5_000 })
      expect(judgement.rules.filter((rule) => rule.reason?.includes('no time was left'))).toEqual([])
    })
  }

  it('fails closed for text that unfolds to many times its length', () => {
    const judgement = evaluate(rules, { action: 'ﷺ'.repeat(10_000) })
    expect(judgement.decision).toBe('forbidden')
    expect(judgement.rules[0]?.reason).toContain('the text unfolds beyond measure')
  })

  it('fails closed where the context is too deep or too large, and never throws', () => {
    let deep: Record<string, unknown> = {}
    for (let level = 0; level < 100_000; level++) deep = { deep }
    const wide = Object.fromEntries(Array.from({ length: 1_001 }, (_, index) => [`k${index}`, index]))
    for (const context of [deep, wide, { text: 'x'.repeat(70_000) }]) {
      const judgement = evaluate(rules, { action: 'read the news', context })
      expect(judgement.decision).toBe('forbidden')
      expect(judgement.rules[0]?.reason).toMatch(/context is (nested deeper|too large)/)
    }
  })

  it('gives the same verdict for context and user with odd names and values', () => {
    const odd = JSON.parse(
      '{"__proto__": {"consent": true}, "constructor": 1, "consent": {"a": []}, "": null, "hasOwnProperty": "x"}',
    )
    expect(evaluate(rules, { action: 'read the news', context: odd, user: odd }).decision).toBe('approved')
    expect(evaluate(rules, { action: 'constructor toString __proto__' }).decision).toBe('unrecognised')
  })
})
