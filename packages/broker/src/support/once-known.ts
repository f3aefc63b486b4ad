/** Goes on at once where it can, so that nothing waits a turn for an answer that is there already. */
export function onceKnown<T, U>(value: T | Promise<T>, next: (value: T) => U | Promise<U>): U | Promise<U> {
  return value instanceof Promise ? value.then(next) : next(value)
}
