import { FakeClock } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { KeepAlive } from './keep-alive.js'

function start() {
  const clock = new FakeClock()
  const told: number[] = []
  const from = clock.now()
  const state = { isListening: true }
  const keepAlive = new KeepAlive(
    clock,
    from + 5000,
    () => state.isListening,
    () => told.push(clock.now() - from),
  )
  return { clock, told, state, keepAlive }
}

describe('keep-alive', () => {
  it('before CONNECT ends at one moment, whatever was heard and whether or not we listen', async () => {
    const { clock, told, state, keepAlive } = start()
    await clock.advance(4000)
    keepAlive.heardPiece(5000)
    keepAlive.heard()
    state.isListening = false
    await clock.advance(1000)
    expect(told).toEqual([5000])
  })

  it('lasts one and a half keep alive intervals from the last whole packet [MQTT-3.1.2-22]', async () => {
    const { clock, told, keepAlive } = start()
    keepAlive.begin(10)
    await clock.advance(10_000)
    keepAlive.heard()
    await clock.advance(10_000)
    // A packet that is dragged out is none, until it has become large.
    keepAlive.heardPiece(999)
    await clock.advance(5_000)
    expect(told).toEqual([25_000])
  })

  it('is broken by every thousand bytes of a large packet [MQTT-3.1.2-22]', async () => {
    const { clock, told, keepAlive } = start()
    keepAlive.begin(10)
    for (let n = 0; n < 4; n++) {
      await clock.advance(7_000)
      keepAlive.heardPiece(500)
    }
    await clock.advance(14_999)
    expect(told).toEqual([])
    await clock.advance(1)
    expect(told).toEqual([43_000])
  })

  it('does not count while we do not listen, and then counts anew [MQTT-3.1.2-22]', async () => {
    const { clock, told, state, keepAlive } = start()
    keepAlive.begin(10)
    state.isListening = false
    await clock.advance(40_000)
    state.isListening = true
    await clock.advance(4_999)
    expect(told).toEqual([])
    await clock.advance(1)
    expect(told).toEqual([45_000])
  })

  it('is never too long without a keep alive', async () => {
    const { clock, told, keepAlive } = start()
    keepAlive.begin(0)
    await clock.advance(1_000_000)
    expect(told).toEqual([])
  })
})
