import { EXIT } from '../support/exit-codes.js'
import { CommandFailure } from '../support/failure.js'

/** Asks the broker something; where nobody answers, it says why that may be. */
export async function askingBroker<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    const { code } = error as { code?: unknown }
    if (code !== 'no-responder' && code !== 'request-timed-out') throw error
    throw new CommandFailure("this broker cannot be asked: only Jamey's own can", {
      code: 'no-responder',
      exitCode: EXIT.unavailable,
      hint: 'it is one that `jamey up`, `jamey run broker` or `jamey broker` has started',
      cause: error,
    })
  }
}
