import type {
  AndOr,
  ArithmeticFor,
  Case,
  For,
  If,
  Pipeline,
  Select,
  Statement,
  SyntaxNode,
  While,
} from 'unbash'
import { anywhere, joinDirectories } from './directory.js'
import { ENDED, joinStates, type Outcome, type ShellState, staying, withVariable } from './shell-state.js'
import { type Argument, argumentsOf, HELD, isFilled } from './words.js'

/** Looks at a part of a script that is run in this state, and says what it leaves. */
export type Visit = (node: SyntaxNode, state: ShellState) => Outcome

/** One after the other; what stands behind `exit` is looked at all the same. */
export function listed(commands: readonly Statement[], state: ShellState, visit: Visit): Outcome {
  let outcome = staying(state)
  let now = state
  let hasEnded = false
  for (const command of commands) {
    outcome = visit(command, now)
    const next = joinStates(outcome.succeeded, outcome.failed)
    hasEnded ||= next === undefined
    now = next ?? now
  }
  return hasEnded ? ENDED : outcome
}

/** `a && b || c`: what follows is run after what was left by those before it. */
export function chained({ commands, operators }: AndOr, state: ShellState, visit: Visit): Outcome {
  let { succeeded, failed } = visit(commands[0] as SyntaxNode, state)
  for (const [i, operator] of operators.entries()) {
    const isAnd = operator === '&&'
    const from = isAnd ? succeeded : failed
    const seen = visit(commands[i + 1] as SyntaxNode, from ?? state)
    const outcome = from === undefined ? ENDED : seen
    succeeded = isAnd ? outcome.succeeded : joinStates(succeeded, outcome.succeeded)
    failed = isAnd ? joinStates(failed, outcome.failed) : outcome.failed
  }
  return { succeeded, failed }
}

/** Each in a shell of its own, but for the last one, which some shells run in theirs. */
export function piped({ commands, prefixes }: Pipeline, state: ShellState, visit: Visit): Outcome {
  let { succeeded, failed } = staying(state)
  for (const command of commands) ({ succeeded, failed } = visit(command, state))
  if (commands.length > 1) {
    succeeded = joinStates(state, succeeded)
    failed = joinStates(state, failed)
  }
  const isNegated = prefixes.filter(({ type }) => type === 'Negation').length % 2 === 1
  return isNegated ? { succeeded: failed, failed: succeeded } : { succeeded, failed }
}

export function branched(node: If, state: ShellState, visit: Visit): Outcome {
  let succeeded: ShellState | undefined
  let failed: ShellState | undefined
  let before: ShellState | undefined = state
  for (const { clause, then } of [node, ...node.elif]) {
    const condition = visit(clause, before ?? state)
    const seen = visit(then, condition.succeeded ?? state)
    const isReached = before !== undefined && condition.succeeded !== undefined
    if (isReached) succeeded = joinStates(succeeded, seen.succeeded)
    if (isReached) failed = joinStates(failed, seen.failed)
    before = before === undefined ? undefined : condition.failed
  }
  if (node.else === undefined) return { succeeded: joinStates(succeeded, before), failed }
  const seen = visit(node.else, before ?? state)
  if (before === undefined) return { succeeded, failed }
  return { succeeded: joinStates(succeeded, seen.succeeded), failed: joinStates(failed, seen.failed) }
}

export function chosen({ word, items }: Case, state: ShellState, visit: Visit): Outcome {
  visit(word, state)
  let after: ShellState | undefined = state
  let from = state
  for (const { pattern, body, terminator } of items) {
    for (const one of pattern) visit(one, state)
    const { succeeded, failed } = visit(body, from)
    const left = joinStates(succeeded, failed)
    after = joinStates(after, left)
    from = terminator === ';&' || terminator === ';;&' ? (joinStates(state, left) as ShellState) : state
  }
  return { succeeded: after, failed: after }
}

/** What is left once a loop is over; `escaped`: what `break` and `continue` have left it with. */
export function looped(
  node: While | For | Select | ArithmeticFor,
  state: ShellState,
  visit: Visit,
  escaped: () => ShellState | undefined,
): ShellState | undefined {
  const around = (once: Once): Once => {
    return (from) => joinStates(once(from), escaped())
  }
  if (node.type === 'While')
    return repeated(
      state,
      around((from) => turned(node, from, visit)),
    )
  if (node.type === 'ArithmeticFor') {
    for (const part of [node.initialize, node.test, node.update]) if (part !== undefined) visit(part, state)
    return repeated(
      state,
      around((from) => leftBy(visit(node.body, from))),
    )
  }
  for (const word of node.wordlist ?? []) visit(word, state)
  const words = node.wordlist?.flatMap((word) => argumentsOf(word, state.variables)) ?? []
  const isKnown =
    node.type === 'For' && words.length <= MAXIMUM_WORDS && !words.some((word) => word.isDynamic)
  const bodyWith = (value: string | undefined): Once => {
    return around((from) => leftBy(visit(node.body, withVariable(from, node.name.value, value))))
  }
  if (!isKnown || words.length === 0) {
    const isPlain = node.type === 'For' && node.wordlist !== undefined && words.every(holdsPlain)
    return repeated(state, bodyWith(isPlain ? HELD : undefined))
  }
  let after: ShellState | undefined = state
  for (const { text } of words) {
    const from: ShellState = after ?? state
    const left = /[*?[{]/.test(text) ? repeated(from, bodyWith(text)) : bodyWith(text)(from)
    after = after === undefined ? undefined : left
  }
  return after
}

/** As `HELD` has it. */
function holdsPlain(word: Argument): boolean {
  return word.isDynamic ? !isFilled(word) : /^[\w.,:-]*$/.test(word.text)
}

type Once = (from: ShellState) => ShellState | undefined

function turned({ kind, clause, body }: While, state: ShellState, visit: Visit): ShellState | undefined {
  const condition = visit(clause, state)
  const entered = kind === 'until' ? condition.failed : condition.succeeded
  const seen = leftBy(visit(body, entered ?? state))
  return joinStates(leftBy(condition), entered === undefined ? undefined : seen)
}

function leftBy({ succeeded, failed }: Outcome): ShellState | undefined {
  return joinStates(succeeded, failed)
}

/** Words of a `for` that are looked at one by one. */
const MAXIMUM_WORDS = 8
const MAXIMUM_TURNS = 3

/** Round and round until nothing new comes of it, or it may be anywhere. */
function repeated(state: ShellState, once: Once): ShellState {
  let from = state
  for (let turn = 1; ; turn++) {
    const after = joinStates(from, once(from)) as ShellState
    if (after === from || turn > MAXIMUM_TURNS) return after
    const isLast = turn === MAXIMUM_TURNS
    from = isLast ? { ...after, directories: joinDirectories(after.directories, anywhere()) } : after
  }
}
