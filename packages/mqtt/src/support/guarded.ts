/**
 * `observer`, so that what it throws does not break off the work that told it: it surfaces as an uncaught exception
 * of its own, which is what it is.
 */
export function guarded<T>(observer: (event: T) => void): (event: T) => void {
  return (event) => {
    try {
      observer(event)
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
    }
  }
}
