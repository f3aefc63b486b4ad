/**
 * The changes of one transaction, in order, ready to be written: making one can fail, writing it only where the disk
 * does. Keys and values must stay as they are until it is committed.
 */
export class Batch {
  readonly keys: Buffer[] = []
  /** Undefined removes the key. */
  readonly values: (Buffer | undefined)[] = []
  /** Of what is put. */
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
