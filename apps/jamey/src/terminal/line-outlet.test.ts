import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, describe, expect, it } from 'vitest'
import { LineOutlet, type LineOutletOptions } from './line-outlet.js'

const folder = mkdtempSync(join(tmpdir(), 'jamey-outlet-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const notice = (dropped: number, code: string): string => `${dropped} dropped (${code})`

/** A file descriptor at which a full disk lies. */
function onFullDisk(options: LineOutletOptions) {
  const fd = openSync('/dev/full', 'w')
  return { fd, outlet: new LineOutlet(Object.assign(new PassThrough(), { fd }), options) }
}

describe('lines of a process that goes on without them', () => {
  it('are dropped and counted while the disk is full, and told of when it has room', () => {
    const told: unknown[] = []
    const { fd, outlet } = onFullDisk({
      notice,
      onLoss: (code) => told.push(code),
      onRecovery: (dropped, code) => told.push([dropped, code]),
    })
    for (const line of ['one', 'two', 'three']) outlet.write(`${line}\n`)
    expect([outlet.dropped, told]).toEqual([3, ['ENOSPC']])
    closeSync(fd)
    const path = join(folder, 'log')
    // The lowest free number, which is the one that was just given back.
    expect(openSync(path, 'w')).toBe(fd)
    outlet.write('four\n')
    outlet.write(Buffer.from('five\n'))
    closeSync(fd)
    expect(readFileSync(path, 'utf8')).toBe('3 dropped (ENOSPC)\nfour\nfive\n')
    expect([outlet.dropped, told]).toEqual([3, ['ENOSPC', [3, 'ENOSPC']]])
  })

  it('are dropped and counted once their reader has gone', () => {
    const stream = new PassThrough()
    const outlet = new LineOutlet(stream)
    outlet.write('one\n')
    stream.emit('error', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
    outlet.write('two\n')
    outlet.write('three\n')
    expect(stream.read().toString()).toBe('one\n')
    expect([outlet.dropped, outlet.code]).toEqual([2, 'EPIPE'])
  })

  it('pile up in memory to a bound alone while their reader stands still', async () => {
    const stream = new PassThrough({ highWaterMark: 1 })
    const outlet = new LineOutlet(stream, { notice, mostWaitingBytes: 100 })
    for (let n = 0; n < 50; n++) outlet.write('ten bytes\n')
    expect(stream.writableLength).toBeLessThan(120)
    const { dropped } = outlet
    expect(dropped).toBeGreaterThan(30)
    const drained = outlet.drained()
    let text = ''
    stream.on('data', (chunk) => {
      text += chunk
    })
    await drained
    outlet.write('last\n')
    expect(text).toBe(`${'ten bytes\n'.repeat(50 - dropped)}${dropped} dropped (reader-too-slow)\nlast\n`)
  })

  it('keep nobody waiting where their reader has gone', async () => {
    const stream = new PassThrough({ highWaterMark: 1 })
    const outlet = new LineOutlet(stream)
    outlet.write('more than it holds\n')
    const drained = outlet.drained()
    stream.emit('error', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
    await expect(drained).resolves.toBeUndefined()
    await expect(outlet.drained()).resolves.toBeUndefined()
  })
})
