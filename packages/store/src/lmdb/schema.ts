/** Records as a migration sees them; all its changes are one transaction, together with the new version. */
export interface MigrationRecords {
  /** Path of the store, for errors. */
  readonly path: string
  /**
   * Every record whose key begins with `prefix`, of those the ones behind the key `after` where it is given, in the order
   * of the keys and read one by one: change none meanwhile.
   */
  range(
    prefix: Uint8Array | readonly number[],
    after?: Uint8Array | undefined,
  ): Iterable<{ key: Buffer; value: Buffer }>
  put(key: Uint8Array, value: Uint8Array): void
  remove(key: Uint8Array): void
}

/** The kind and form of a store's records. A store of another kind is foreign, one of a later version untouchable. */
export interface Schema {
  readonly kind: string
  readonly version: number
  /** Migrations by the version that they begin with; each leads to the next one. */
  readonly migrations: ReadonlyMap<number, (records: MigrationRecords) => void>
}
