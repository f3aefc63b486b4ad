import { describe, expect, it } from 'vitest'
import { openSessionStore } from '../index.js'
import { Batch } from '../lmdb/batch.js'
import { LmdbEnvironment } from '../lmdb/lmdb-environment.js'
import { RecordWriter } from '../lmdb/record-writer.js'
import type { Schema } from '../lmdb/schema.js'
import { newFolder } from '../test-support/folder.js'
import { stateOf } from '../test-support/session-model.js'
import { SessionKey, sessionKey } from './records.js'
import { SESSION_SCHEMA } from './schema.js'

const FORMAT_1: Schema = { ...SESSION_SCHEMA, version: 1, migrations: new Map() }
const QOS_2_RETAIN = 0b110

/** Three publishes as format 1 wrote them, of which the second is released and the third a dead letter. */
async function makeFormat1(): Promise<string> {
  const path = newFolder()
  const environment = await LmdbEnvironment.open(path, FORMAT_1)
  const writer = new RecordWriter()
  const batch = new Batch()
  for (const sequence of [3, 5, 9]) {
    const value = writer
      .byte(QOS_2_RETAIN)
      .string('topic')
      .rest(Buffer.from(`payload ${sequence}`))
      .endValue()
    batch.put(sessionKey(writer, SessionKey.publish, sequence), value)
  }
  batch.put(sessionKey(writer, SessionKey.released, 5), writer.endValue())
  batch.put(sessionKey(writer, SessionKey.received, 77), writer.endValue())
  const reason = writer.string('refused').string('not authorized').varint(0x88).endValue()
  batch.put(sessionKey(writer, SessionKey.deadLetter, 9), reason)
  await environment.commit(batch)
  await environment.close()
  return path
}

describe('a session store of format 1', () => {
  it('is brought to the present format, with all that is in it [promise 3]', async () => {
    const path = await makeFormat1()
    const publish = { topic: 'topic', qos: 2, retain: true, properties: undefined } as const
    const payload = (sequence: number): Uint8Array => new Uint8Array(Buffer.from(`payload ${sequence}`))
    const expected = {
      waiting: [
        { ...publish, sequence: 3, payload: payload(3), isReleased: false },
        { ...publish, sequence: 5, payload: payload(5), isReleased: true },
      ],
      deadLetters: [
        {
          ...publish,
          sequence: 9,
          payload: payload(9),
          reason: { code: 'refused', message: 'not authorized', reasonCode: 0x87 },
        },
      ],
      received: [{ packetIdentifier: 77, digest: undefined }],
      amounts: { waiting: { messages: 2, bytes: 28 }, deadLetters: { messages: 1, bytes: 14 } },
      nextSequence: 10,
    }
    // The first opening migrates, the second finds it done.
    for (let opening = 0; opening < 2; opening++) {
      const store = await openSessionStore({ path })
      expect(await stateOf(store)).toEqual(expected)
      await store.close()
    }
  })
})
