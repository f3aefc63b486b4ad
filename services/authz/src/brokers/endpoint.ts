import type { BrokerName, Grant } from '../decisions/grant.js'
import type { Decision, Question } from '../decisions/question.js'
import type { Fields } from './fields.js'

/** The facts that an answer has in it besides the decision. */
export interface AnswerContext {
  /** Seconds for which a broker may at most go by an answer; 0: it must ask each time. */
  readonly cacheSeconds: number
  /** Milliseconds since 1970. */
  readonly nowMs: number
  /** A grant as the broker is to carry it. */
  readonly sealed: (grant: Grant) => string
}

export interface Answer {
  readonly contentType: string
  readonly body: string
  /** 0 by default. */
  readonly cacheSeconds?: number
}

/** One path at which a broker asks. */
export interface Endpoint {
  readonly broker: BrokerName
  readonly path: string
  readonly form: 'json' | 'urlencoded'
  /** Name of the question in metrics: one of few words. `hook` is the header `vernemq-hook`. */
  nameOf(hook: string | undefined): string
  /** The question in a body; throws `MalformedRequest` for what this endpoint does not know. */
  ask(fields: Fields, hook: string | undefined): Question
  answer(decision: Decision, hook: string | undefined, context: AnswerContext): Answer
  /** The answer that refuses anything asked at this path. */
  readonly refusal: Answer
}

/** Seconds for which a broker may go by an answer: never longer than the grant lives. */
export function cacheSecondsOf(
  { expiresAtMs = Number.POSITIVE_INFINITY }: Pick<Grant, 'expiresAtMs'>,
  { cacheSeconds, nowMs }: AnswerContext,
): number {
  return Math.max(0, Math.min(cacheSeconds, Math.floor((expiresAtMs - nowMs) / 1000)))
}
