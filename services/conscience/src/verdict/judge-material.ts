import type { Words } from '@jamey/calls'
import type { CallEvaluation } from '@jamey/contracts'
import type { Findings } from '../thread/evaluation-message.js'

/** Characters of one piece; models lose sight of what stands in the middle of much more. */
const PIECE_CHARACTERS = 12_000
/** The part that two pieces have in common, so that nothing is seen by halves alone. */
const OVERLAP_CHARACTERS = 400
const MAXIMUM_PIECES = 8
/** Of more, a judge would not see everything, and none is asked. */
export const MAXIMUM_MATERIAL_CHARACTERS =
  MAXIMUM_PIECES * (PIECE_CHARACTERS - OVERLAP_CHARACTERS) + OVERLAP_CHARACTERS

/** All that a judge is shown, as JSON. */
export interface Material {
  /** Said of the whole by every piece: the tool. */
  readonly head: Readonly<Record<string, unknown>>
  readonly text: string
}

/** Words, and what is said beside them. */
export function wordsMaterial({ action, context = {}, user = {} }: Words): Material {
  return { head: {}, text: JSON.stringify({ action, context, user }) }
}

/** A call, what a rule made of its arguments, and what was found in it. */
export function callMaterial(
  { tool, arguments: asked, annotations, intent, cwd }: CallEvaluation,
  { arguments: changed_arguments, factsFound = 'null' }: Pick<Findings, 'arguments' | 'factsFound'>,
): Material {
  const call = JSON.stringify({ tool, intent, cwd, annotations, arguments: asked, changed_arguments })
  return { head: { tool }, text: `${call.slice(0, -1)},"facts":${factsFound}}` }
}

/** True where all of a call might be shown; else nothing has to be made ready for it. */
export function mayFit(evaluation: CallEvaluation): boolean {
  return JSON.stringify(evaluation).length <= MAXIMUM_MATERIAL_CHARACTERS
}

/** A material as the messages that bring it: itself, or its text in pieces. Undefined where there would be too many. */
export function piecesOf({ head, text }: Material): string[] | undefined {
  if (text.length > MAXIMUM_MATERIAL_CHARACTERS) return undefined
  if (text.length <= PIECE_CHARACTERS) return [text]
  const pieces: string[] = []
  const step = PIECE_CHARACTERS - OVERLAP_CHARACTERS
  for (let at = 0; at + OVERLAP_CHARACTERS < text.length; at += step) {
    pieces.push(text.slice(at, at + PIECE_CHARACTERS))
  }
  return pieces.map((piece, i) => JSON.stringify({ ...head, part: i + 1, of: pieces.length, piece }))
}
