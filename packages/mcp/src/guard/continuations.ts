import { createHash } from 'node:crypto'
import { isObject } from '../lines/message.js'
import type { CallRequest } from './call-request.js'

/** Calls that wait for the client to come again; the oldest are forgotten, and asked about once more. */
const MOST_REMEMBERED = 1_000

/**
 * Calls that were made and that the server answered with a question of its own (`input_required`). The client makes the
 * same call again with the answer, and what a person approved once is not asked about again for it.
 */
export class Continuations {
  readonly #expected = new Set<string>()

  learn(request: CallRequest, result: unknown): void {
    if (!isObject(result) || result['resultType'] !== 'input_required') return
    this.#expected.add(keyOf(request, result['requestState']))
    if (this.#expected.size <= MOST_REMEMBERED) return
    const [oldest] = this.#expected
    if (oldest !== undefined) this.#expected.delete(oldest)
  }

  /** True for such a call that comes again, which each does once. */
  take(request: CallRequest): boolean {
    return this.#expected.delete(keyOf(request, request.params['requestState']))
  }
}

function keyOf({ tool, arguments: given }: CallRequest, requestState: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify([tool, given, requestState ?? null]))
    .digest('base64')
}
