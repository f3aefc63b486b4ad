import type { StateChange } from '@jamey/bus'
import { ConnectionError } from '@jamey/mqtt'
import { FakeClock } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { ConnectionLog } from './connection-log.js'

function setUp() {
  const lines: string[] = []
  const clock = new FakeClock()
  const at = (level: string) => (facts: { event: string }) => void lines.push(`${level} ${facts.event}`)
  const log = new ConnectionLog({ info: at('info'), warn: at('warn'), error: at('error') } as never, clock)
  const fails = (cause: Error): void => log.tell({ state: 'reconnecting', attempt: 1, delayMs: 0, cause })
  return { lines, clock, log, fails }
}

const said = (reasonCode: number) =>
  new ConnectionError('server-disconnected', 'the server ended the connection', { reasonCode })
const refused = new Error('nobody listens there')

describe('the log of a component', () => {
  it('warns of a connection that was lost, and not of one that is given up for a new token', () => {
    const { lines, log } = setUp()
    const changes: StateChange[] = [
      { state: 'reconnecting', attempt: 1, delayMs: 0 },
      { state: 'connecting', attempt: 1 },
      { state: 'connected', attempt: 1 },
      { state: 'reconnecting', attempt: 1, delayMs: 0, cause: new Error('cut') },
    ]
    for (const change of changes) log.tell(change)
    expect(lines).toEqual(['info connection.established', 'warn connection.lost'])
  })

  it.each([0x8b, 0x9c, 0x9d])(
    'warns of nothing while a server that said so (%i) is restarted',
    async (code) => {
      const { lines, clock, log, fails } = setUp()
      fails(said(code))
      await clock.advance(59_000)
      fails(refused)
      log.tell({ state: 'connected' })
      expect(lines).toEqual([
        'info connection.awaited',
        'info connection.awaited',
        'info connection.established',
      ])
      fails(refused)
      expect(lines.at(-1)).toBe('warn connection.lost')
    },
  )

  it('warns of a server that said that it stops, and is not back after a minute', async () => {
    const { lines, clock, fails } = setUp()
    fails(said(0x8b))
    await clock.advance(60_000)
    fails(refused)
    // It says so again to whoever comes while it starts or stops.
    fails(said(0x8b))
    expect(lines).toEqual(['info connection.awaited', 'warn connection.lost', 'warn connection.lost'])
  })

  it.each([0x80, 0x8d, 0x97, 0x98])('warns where it ended a connection for another reason (%i)', (code) => {
    const { lines, fails } = setUp()
    fails(said(code))
    expect(lines).toEqual(['warn connection.lost'])
  })
})
