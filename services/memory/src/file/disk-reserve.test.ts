import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { DiskReserve } from './disk-reserve.js'

let file: string

beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'reserve-'))
  file = join(folder, 'memory.db')
  onTestFinished(() => rmSync(folder, { recursive: true }))
})

describe('the room to forget with', () => {
  it('is taken once, for the owner of the file alone, and anew where less of it is there', () => {
    const reserve = new DiskReserve(file, 300_000)
    reserve.keep()
    const found = statSync(`${file}.reserve`)
    expect(found).toMatchObject({ size: 300_000, mode: 0o100600 })
    reserve.keep()
    expect(statSync(`${file}.reserve`).ino).toBe(found.ino)
    writeFileSync(`${file}.reserve`, 'half')
    reserve.keep()
    expect(statSync(`${file}.reserve`).size).toBe(300_000)
  })

  it('is given up where there is no other alone', () => {
    const reserve = new DiskReserve(file, 1000)
    expect(reserve.release()).toBe(false)
    reserve.keep()
    expect(reserve.release()).toBe(false)
    expect(existsSync(`${file}.reserve`)).toBe(true)
    // More than any disk has free.
    expect(new DiskReserve(file, 2 ** 60).release()).toBe(true)
    expect(existsSync(`${file}.reserve`)).toBe(false)
  })

  it('is not taken where there is little, and no link leads it elsewhere', () => {
    new DiskReserve(file, 2 ** 60).keep()
    expect(existsSync(`${file}.reserve`)).toBe(false)
    const elsewhere = `${file}.elsewhere`
    writeFileSync(elsewhere, 'of another')
    symlinkSync(elsewhere, `${file}.reserve`)
    new DiskReserve(file, 1000).keep()
    expect(statSync(elsewhere).size).toBe(10)
    expect(statSync(`${file}.reserve`).size).toBe(1000)
  })
})
