/** The values of one statement, in the order in which it names them. */
export class Parameters {
  readonly values: unknown[] = []

  /** The name of a value in the statement. */
  add(value: unknown): string {
    this.values.push(value)
    return `$${this.values.length}`
  }
}
