/** A promise in the hands of whoever will settle it. */
export class Deferred<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (error: Error) => void

  constructor() {
    let settle!: { resolve(value: T): void; reject(error: Error): void }
    this.promise = new Promise<T>((resolve, reject) => {
      settle = { resolve, reject }
    })
    this.resolve = settle.resolve
    this.reject = settle.reject
  }
}
