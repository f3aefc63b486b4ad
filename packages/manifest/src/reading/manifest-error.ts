import { JameyError } from '@jamey/protocol'

/** One fault of a manifest. */
export interface ManifestFault {
  readonly fileName: string
  /** Line and column in the file, both from 1. */
  readonly line: number
  readonly column: number
  /** Path such as `clients.robot-7.roles[0]`; empty for the file as a whole. */
  readonly field: string
  readonly found: string
  readonly expected: string
}

/**
 * `manifest-invalid`: something in it is not what it has to be. `manifest-version`: it is written for later versions.
 * `manifest-unreadable`: there is no such file, or somebody else could have written it.
 */
export type ManifestErrorCode = 'manifest-invalid' | 'manifest-version' | 'manifest-unreadable'

/** The message has the first so many of them; `faults` has all. */
const MAXIMUM_TOLD = 50

/** A manifest that cannot be used, with everything that is wrong with it. */
export class ManifestError extends JameyError<ManifestErrorCode> {
  override readonly name = 'ManifestError'
  readonly faults: readonly ManifestFault[]

  constructor(code: ManifestErrorCode, faults: readonly ManifestFault[]) {
    const told = faults.slice(0, MAXIMUM_TOLD).map((fault) => `  ${shownFault(fault)}`)
    const rest = faults.length - told.length
    if (rest > 0) told.push(`  and ${rest} more`)
    super(code, `The manifest ${faults[0]?.fileName ?? ''} cannot be used:\n${told.join('\n')}`)
    this.faults = faults
  }
}

/** `permissions.yaml:7:5: clients.robot-7.proof: expected ..., found ...` */
export function shownFault({ fileName, line, column, field, found, expected }: ManifestFault): string {
  return `${fileName}:${line}:${column}: ${field === '' ? '' : `${field}: `}expected ${expected}, found ${found}`
}
