import { JameyError } from '@jamey/protocol'

/**
 * `in-use`: another process, or another store of this process, has the folder open. `newer-version`: a later version
 * of this package wrote it. `older-version`: an earlier one did, and whoever only reads does not migrate it.
 * `migration-failed`: it is older and could not be brought to the present format.
 * `foreign`: the folder holds something else. `damaged`: what is there cannot be read. `full`: no room for what was
 * to be written. `not-accessible`: the system does not let this process read or write there. `io-failed`: the disk
 * failed. `gone`: its folder was deleted or replaced while it was open. `closed`: the store was closed before.
 * `exists`: a backup is to be written where something is already.
 */
export type StoreErrorCode =
  | 'in-use'
  | 'newer-version'
  | 'older-version'
  | 'migration-failed'
  | 'foreign'
  | 'damaged'
  | 'full'
  | 'not-accessible'
  | 'io-failed'
  | 'gone'
  | 'closed'
  | 'exists'

const RETRYABLE: readonly StoreErrorCode[] = ['in-use', 'full', 'io-failed', 'gone']

/** A store cannot be opened or did not commit; the message says what to do. */
export class StoreError extends JameyError<StoreErrorCode> {
  override readonly name = 'StoreError'
  /** The store's folder. */
  readonly path: string

  constructor(code: StoreErrorCode, path: string, message: string, options?: ErrorOptions) {
    super(code, `store in '${path}': ${message}`, { ...options, retryable: RETRYABLE.includes(code) })
    this.path = path
  }
}
