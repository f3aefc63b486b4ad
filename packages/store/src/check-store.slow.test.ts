import { describe, expect, it, onTestFinished } from 'vitest'
import { checkStore } from './index.js'
import { BROKER_PROCESS } from './test-support/broker-process.js'
import { Child } from './test-support/child.js'
import { newFolder } from './test-support/folder.js'

describe('a check of a store', () => {
  it('is made while its owner goes on committing', async () => {
    const path = newFolder()
    const child = new Child(BROKER_PROCESS, [path, '7', '0'])
    onTestFinished(async () => void (await child.kill()))
    while (Number(await child.line()) < 20);
    const found = await checkStore({ path, kind: 'broker' })
    expect(found).toMatchObject({ damaged: 0, owner: child.pid })
    expect(found.records).toBeGreaterThan(0)
  })
})
