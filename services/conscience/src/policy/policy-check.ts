import { z } from 'zod'
import { looksAt, type PolicyConditions } from './policy-condition.js'
import { type Lists, type Packs, ruleName, ruleSchema } from './policy-schema.js'
import type { YamlSource } from './yaml-source.js'

/** Lists of the packs, which are there whoever writes none. */
export const OWN_LISTS: Lists = { accounts: [], hosts: [], recipients: [] }

/** What a value has to be for more to be said of it; anything else is told as not being that. */
function sound<Schema extends z.ZodType>(schema: Schema) {
  return schema.optional().catch(undefined)
}

const { decision, when, transform, judge } = ruleSchema.shape
const soundRule = z.object({
  name: sound(ruleName),
  decision: sound(decision),
  when: sound(when),
  transform: sound(transform),
  judge: sound(judge),
})
type SoundRule = z.output<typeof soundRule>
const soundSchema = z.object({
  include: sound(z.array(sound(z.string())).default([])),
  without: sound(z.array(sound(ruleName))),
  lists: sound(z.record(z.string(), z.unknown()).default({})),
  rules: sound(z.array(sound(soundRule))),
})
type SoundPolicy = z.output<typeof soundSchema>

/** The parts of a policy that are of the right form, each in its place. */
export function soundPart(source: YamlSource): SoundPolicy {
  return soundSchema.catch({}).parse(source.value())
}

/**
 * Notes what is wrong with the parts of a policy that are of the right form: names that nothing has, names that are used
 * twice, conditions, rules that say two things. What follows from a fault that is told elsewhere is none.
 */
export class PolicyCheck {
  readonly #source: YamlSource
  readonly #packs: Packs
  readonly #conditions: PolicyConditions

  constructor(source: YamlSource, packs: Packs, conditions: PolicyConditions) {
    this.#source = source
    this.#packs = packs
    this.#conditions = conditions
  }

  check({ include, without = [], lists, rules = [] }: SoundPolicy): void {
    const included = this.#included(include)
    const left = new Set<string>()
    without.forEach((name, i) => {
      if (name === undefined) return
      const path = ['without', i]
      if (left.has(name)) this.#source.fault(path, `the rule ${name} is left out already`)
      else if (!included.has(name)) this.#source.fault(path, `there is no rule ${name} to leave out`)
      left.add(name)
    })
    const isKnown = lists !== undefined && this.#source.isWhole('lists')
    const names = isKnown ? Object.keys({ ...OWN_LISTS, ...lists }) : undefined
    const used = new Set<string>()
    rules.forEach((rule = {}, i) => {
      const { name } = rule
      if (name !== undefined && used.has(name))
        this.#source.fault(['rules', i, 'name'], `the name ${name} is already used`)
      if (name !== undefined) used.add(name)
      this.#checkRule(rule, i, names)
    })
  }

  /** Rules of the packs; of all packs where it is not known which are meant. */
  #included(include: SoundPolicy['include']): ReadonlySet<string> {
    const included = include?.map((name, i) => {
      const pack = name !== undefined && Object.hasOwn(this.#packs, name) ? this.#packs[name] : undefined
      if (name !== undefined && pack === undefined) {
        const known = Object.keys(this.#packs).join(', ')
        this.#source.fault(['include', i], `there is no pack ${name}; there are ${known}`)
      }
      return pack
    })
    const isKnown = this.#source.isWhole('include') && included?.includes(undefined) === false
    const packs = isKnown ? included : Object.values(this.#packs)
    return new Set(packs.flatMap((pack = []) => pack.map(({ name }) => name)))
  }

  #checkRule(rule: SoundRule, i: number, lists: readonly string[] | undefined): void {
    const { name = 'the rule', when } = rule
    const faults = when === undefined ? [] : this.#conditions.faultsIn(when, lists)
    for (const { message, offset } of faults)
      this.#source.fault(['rules', i, 'when'], `condition of ${name}: ${message}`, offset)
    for (const [field, reason] of contradictionsIn(rule))
      this.#source.fault(['rules', i, field], `rules.${i}.${field}: ${reason}`)
  }
}

/** Fields of a rule that do not go with its decision, and why. */
function* contradictionsIn(rule: SoundRule): Generator<readonly [field: keyof SoundRule, reason: string]> {
  const { decision, when = '', transform = [], judge } = rule
  const own = (['context', 'intent'] as const).find((name) => looksAt(when, name))
  if (decision === 'allow' && own !== undefined)
    yield [
      'when',
      `a rule that allows cannot look at ${own}, which whoever asks writes; attested may be meant`,
    ]
  if (decision === 'deny' && transform.length > 0) yield ['transform', 'a rule that denies changes nothing']
  if (decision !== undefined && decision !== 'ask' && judge !== undefined)
    yield ['judge', 'only what a rule asks may be allowed by a judge']
}
