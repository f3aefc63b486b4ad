import { describe, expect, it } from 'vitest'
import type { Abuse } from '../test-support/abuse.js'
import { FLOODS } from '../test-support/abuse-flood-table.js'
import { PACKETS } from '../test-support/abuse-packet-table.js'
import { SLOW } from '../test-support/abuse-slow-table.js'
import { UNAUTHENTICATED } from '../test-support/abuse-unauthenticated-table.js'
import { WEB_SOCKETS } from '../test-support/abuse-web-socket-table.js'
import { Stage } from '../test-support/stage.js'

async function run({ act, answer, options, isFull }: Abuse): Promise<void> {
  const stage = await Stage.open(options)
  try {
    expect(await act(stage)).toBe(answer)
    // While it goes on, after it, and once nothing is left of it.
    await stage.assertServed(isFull)
    await stage.assertMemoryIsBack()
    await stage.assertServed()
  } finally {
    await stage.close()
  }
}

/** Each row: misuse, what is answered, and that others are served and memory is back. [promise 34] */
describe('whoever misuses the broker costs only itself [promise 34]', () => {
  for (const abuse of [...UNAUTHENTICATED, ...PACKETS, ...SLOW, ...FLOODS, ...WEB_SOCKETS]) {
    it(abuse.what, () => run(abuse))
  }
})
