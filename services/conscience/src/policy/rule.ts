import type { Decision } from '@jamey/contracts'
import type { Change } from './change.js'
import type { Circumstances } from './circumstances.js'
import type { Needs } from './needs.js'

/** A rule of a policy, compiled. */
export interface PolicyRule {
  readonly name: string
  /** Told with the verdict, to whoever is asked. */
  readonly reason: string
  readonly decision: Decision
  /** How many different people have to approve, where it asks; one by default. */
  readonly approvers?: 1 | 2 | undefined
  /** True where the opinion of a model may make `allow` of what this rule asks. */
  readonly mayBeJudged: boolean
  /** Changes that it makes of the arguments. */
  readonly changes: readonly Change[]
  /** True where it looks at what whoever asks says of itself. */
  readonly readsContext: boolean
  /** All that has to be so for it to apply, as far as that is told before. */
  readonly needs: Needs
  /** Throws where it cannot be evaluated. */
  readonly applies: (circumstances: Circumstances) => boolean
}
