import { factsOf } from '@jamey/calls'
import type { Circumstances } from './circumstances.js'
import { PolicyConditions } from './policy-condition.js'
import { NO_SESSION } from './session-view.js'

export const PLACE = { workspace: '/srv/app', home: '/srv' }

/** A call that belongs to no session, and beside which nothing is said or listed. */
export function circumstancesOf(tool: string, args: Record<string, unknown>): Circumstances {
  const {
    isKnown: known,
    isUntrusted: _,
    isTrusted: __,
    ...facts
  } = factsOf({ tool, arguments: args }, PLACE)
  const none = { lists: {}, context: {}, attested: {}, intent: '', session: NO_SESSION }
  return { ...facts, ...none, known, kind: 'call' }
}

/** Results of a condition under each of the circumstances; where it fails, the first line of what is wrong. */
export function outcomesOf(
  condition: string,
  { isQuick }: { readonly isQuick: boolean },
  circumstances: readonly Circumstances[],
): unknown[] {
  const { applies } = new PolicyConditions({ isQuick }).compile(condition)
  return circumstances.map((one) => {
    try {
      return applies(one)
    } catch (error) {
      return (error as Error).message.split('\n')[0]
    }
  })
}
