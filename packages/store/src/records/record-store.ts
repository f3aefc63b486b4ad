/** One record that is put in place of what was under its key before, or removed where `value` is undefined. */
export interface RecordChange {
  /** 1 to 1024 bytes as UTF-8. */
  readonly key: string
  readonly value: Uint8Array | undefined
}

/** A record as it is found, or why it cannot be read. */
export type FoundRecord =
  | { readonly key: string; readonly value: Uint8Array }
  | { readonly key: string; readonly error: Error }

/**
 * Records of one service on disk, of one process at a time. Everything throws or rejects with `StoreError`.
 */
export interface RecordStore {
  readonly path: string
  /** All of them, in the order of their keys as UTF-8, as the last commit left them. */
  records(): Iterable<FoundRecord>
  /**
   * All of the changes are durable when it resolves, and none of them is there where it rejects. Those that are asked for
   * together are written together, in their order; where one of them fails, all that were asked for behind it fail as
   * well, since they may build upon it.
   */
  commit(changes: readonly RecordChange[]): Promise<void>
  /** Ends when what was asked for is written, and lets go of the folder. Safe to call twice. */
  close(): Promise<void>
}

export interface RecordStoreOptions {
  /** A folder of the store's own; made with mode 0700 where there is none. */
  readonly path: string
  /** What is in it, so that no other service takes it for its own: `jamey approvals`. */
  readonly kind: string
  /** Of the form of the records, from 1 up; a store of another one is refused. */
  readonly version: number
}
