import { expect, it } from 'vitest'
import { openRecordStore } from '../index.js'
import { Child } from '../test-support/child.js'
import { newFolder } from '../test-support/folder.js'
import { RECORD_PROCESS, RECORDS } from '../test-support/record-process.js'

it('a record store whose process is killed has all that was committed [promise 3]', async () => {
  const path = newFolder()
  const child = new Child(RECORD_PROCESS, [path])
  let told = 0
  while (told < 20) told = Number(await child.line())
  told = Number((await child.kill()).at(-1) ?? told)
  const store = await openRecordStore({ path, ...RECORDS })
  const steps = [...store.records()].map((found) =>
    'value' in found ? Number(Buffer.from(found.value)) : found.error,
  )
  expect(steps).toEqual(steps.map((_, i) => i))
  expect(steps.length).toBeGreaterThan(told)
  await store.close()
})
