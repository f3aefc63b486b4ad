import { FakeClock, RawClient } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { startBroker } from '../test-support/start-broker.js'
import { AuthenticationRefused } from './errors.js'
import { type Log, SparingLog } from './log.js'

function listLog(): { lines: string[]; log: Log } {
  const lines: string[] = []
  const write = (fields: Record<string, unknown>, message: string) => {
    lines.push(`${message} ${fields['leftOut'] ?? ''}`.trim())
  }
  return { lines, log: { debug: write, info: write, warn: write, error: write } }
}

describe('lines about unauthenticated connections', () => {
  it('are ten a second, then their number [promise 34]', async () => {
    const clock = new FakeClock()
    const { lines, log } = listLog()
    const sparing = new SparingLog(log, clock)
    for (let i = 0; i < 25; i++) sparing.warn({ event: 'broker.test' }, 'x')
    expect(lines).toEqual(Array(10).fill('x'))
    await clock.advance(1000)
    sparing.warn({ event: 'broker.test' }, 'y')
    sparing.warn({ event: 'broker.test' }, 'z')
    expect(lines.slice(10)).toEqual(['left out lines about unauthenticated connections 15', 'y', 'z'])
  })

  it('do not grow with the number of refused connections [promise 34]', async () => {
    const { lines, log } = listLog()
    const authenticator = { authenticate: () => Promise.reject(new AuthenticationRefused('no')) }
    const { broker, port } = await startBroker({ log, clock: new FakeClock(), authenticator })
    for (let i = 0; i < 15; i++) {
      const unauthenticated = await RawClient.open(port)
      await unauthenticated.handshake({ clientId: 'x' })
      await unauthenticated.closed
      const noise = await RawClient.open(port)
      noise.sendBytes(Buffer.from('GET / HTTP/1.1'))
      await noise.closed
    }
    expect(broker.stats()).toMatchObject({ authenticationsRefused: 15, protocolErrors: 30 })
    expect(lines.filter((line) => !line.startsWith('listening'))).toHaveLength(10)
  })
})
