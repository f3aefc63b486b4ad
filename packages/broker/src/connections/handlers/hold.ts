import type { Connection } from '../connection.js'

/** Handles nothing more of `connection` until `answer` has come, which may not reject, and then `next` was called. */
export function hold<T>(connection: Connection, answer: Promise<T>, next: (value: T) => void): void {
  connection.pauseReading()
  answer.then((value) => {
    try {
      if (connection.state === 'open') next(value)
    } catch (error) {
      connection.fail(error)
    }
    connection.resumeReading()
  })
}
