import { EventEmitter } from 'node:events'
import { describe, expect, it, vi } from 'vitest'
import { watchSignals } from './interruption.js'

describe('signals', () => {
  it('ask to stop with the first one, and stop at once with a second [promise 38]', () => {
    const source = new EventEmitter()
    const atOnce = vi.fn()
    let nowMs = 0
    const interruption = watchSignals(atOnce, source, () => nowMs)
    expect(interruption.signal.aborted).toBe(false)
    source.emit('SIGINT')
    expect(interruption.signal.aborted).toBe(true)
    expect(interruption.name()).toBe('SIGINT')
    nowMs = 1000
    source.emit('SIGTERM')
    expect(atOnce).toHaveBeenCalledOnce()
  })

  it('take the copy that npm passes on for the same key press', () => {
    const source = new EventEmitter()
    const atOnce = vi.fn()
    let nowMs = 0
    watchSignals(atOnce, source, () => nowMs)
    source.emit('SIGINT')
    nowMs = 20
    source.emit('SIGINT')
    expect(atOnce).not.toHaveBeenCalled()
  })

  it('are let go of in the end', () => {
    const source = new EventEmitter()
    watchSignals(() => {}, source).dispose()
    expect(source.listenerCount('SIGINT') + source.listenerCount('SIGTERM')).toBe(0)
  })
})
