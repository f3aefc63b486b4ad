import type { Verdict } from '@jamey/contracts'
import type { Findings } from '../thread/evaluation-message.js'
import type { JudgeAnswer } from './judge.js'

/** A decision, and why. */
export type Decided = Pick<Verdict, 'decision' | 'reasons'>

const NO_RULE = 'no rule knows it'

/** The decision of the policy. */
export function decided({ decision, reasons }: Findings): Decided {
  return { decision, reasons: reasons.length === 0 && decision === 'ask' ? [NO_RULE] : [...reasons] }
}

/**
 * The same with a model's opinion: one against it makes it stricter, whatever the policy says; one for it allows what a
 * person would be asked, where each rule that asks says that it may. Where it was not heard, nothing is allowed.
 */
export function withOpinion(findings: Findings, answer: JudgeAnswer | undefined): Decided {
  const found = decided(findings)
  if (answer === undefined || answer.status === 'not_needed') return found
  if (answer.status === 'failed') {
    const reason = `the judge was not heard (${answer.error})`
    if (found.decision !== 'allow') return { ...found, reasons: [...found.reasons, reason] }
    return { decision: 'ask', reasons: [reason] }
  }
  const { score, text } = answer.opinion
  if (score < 0 && found.decision !== 'deny') return { decision: 'deny', reasons: [text, ...found.reasons] }
  if (score > 0 && found.decision === 'ask' && findings.mayBeJudged)
    return { decision: 'allow', reasons: [text] }
  return found
}

export function judgeOf(answer: JudgeAnswer | undefined): Verdict['judge'] {
  if (answer === undefined) return { status: 'not_configured' }
  if (answer.status !== 'used') return answer
  return { status: 'used', opinion: answer.opinion.text, score: answer.opinion.score }
}
