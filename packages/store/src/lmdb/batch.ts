/**
 * The changes of one transaction, in order, ready to be written: making one can fail, writing it only where the disk
 * does. Keys and values must stay as they are until it is committed.
 */
export class Batch {
  readonly keys: Buffer[] = []
  /** Values by the index of their keys; undefined removes the key. */
  readonly values: (Buffer | undefined)[] = []
  /** Bytes of keys and values that are put. */
  bytes = 0

  put(key: Buffer, value: Buffer): void {
    this.bytes += key.length + value.length
    this.keys.push(key)
    this.values.push(value)
  }

  remove(key: Buffer): void {
    this.keys.push(key)
    this.values.push(undefined)
  }
}
