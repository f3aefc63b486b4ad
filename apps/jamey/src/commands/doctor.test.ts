import { describe, expect, it } from 'vitest'
import type { Finding } from '../doctor/finding.js'
import type { ExitCode } from '../support/exit-codes.js'
import { conclusionOf, exitOf } from './doctor.js'

describe('the doctor', () => {
  it('says that nothing is wrong only where nothing is, and leaves with the code of what is', () => {
    const finding = (status: Finding['status'], exitCode?: ExitCode): Finding => ({
      check: 'x',
      status,
      message: 'y',
      ...(exitCode === undefined ? {} : { exitCode }),
    })
    const [ok, failed, absent] = [finding('ok'), finding('failed'), finding('warning', 5)]
    expect([conclusionOf([ok]), exitOf([ok])]).toEqual(['nothing is wrong', 0])
    expect([conclusionOf([ok, absent]), exitOf([ok, absent])]).toEqual(['1 warning', 5])
    expect([conclusionOf([failed, absent]), exitOf([failed, absent])]).toEqual([
      '1 thing is wrong, 1 warning',
      1,
    ])
    expect(exitOf([finding('failed', 3)])).toBe(3)
    expect(exitOf([finding('failed', 3), failed])).toBe(1)
    expect(exitOf([finding('warning')])).toBe(0)
  })
})
