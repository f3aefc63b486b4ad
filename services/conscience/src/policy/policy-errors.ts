import { JameyError } from '@jamey/auth'

/** A condition that cannot be compiled; `offset` is the place in it. */
export class ConditionError extends Error {
  readonly offset: number

  constructor(message: string, offset: number) {
    super(message)
    this.offset = offset
  }
}

/** One thing wrong with a policy. Line and column count from 1. */
export interface RuleFault {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly reason: string
}

/** A policy was refused. The message holds one `file:line:column: reason` line per fault, all of them. */
export class RuleFileError extends JameyError<'rule-file-invalid'> {
  override readonly name = 'RuleFileError'
  readonly faults: readonly RuleFault[]

  constructor(faults: readonly RuleFault[], cause?: unknown, what = 'The policy') {
    const lines = faults.map((fault) => `${fault.file}:${fault.line}:${fault.column}: ${fault.reason}`)
    super('rule-file-invalid', `${what} cannot be used:\n${lines.join('\n')}`, { cause })
    this.faults = faults
  }
}
