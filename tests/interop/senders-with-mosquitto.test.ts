import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bus, connectBus, encodeEnvelope } from '@jamey/bus'
import { createConscience } from '@jamey/conscience'
import { answersFilter, COMPONENTS, topics } from '@jamey/contracts'
import { createClient } from '@jamey/mqtt'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { Mosquitto } from './mosquitto.js'

/** Mosquitto tells nobody who published. Its own placeholder for the client identifier keeps the topics that do. */

const { evaluate } = topics.conscience
const ID = '0d7ff1f6-6a0f-4f0b-9d39-6a1b5f0f7a11'
const CONSCIENCE = COMPONENTS.conscience.clientId
const RULES = `
pattern write ${evaluate.topic}/%c
pattern read jamey/api/responses/%c/#
pattern write jamey/events/status/%c
user ${CONSCIENCE}
topic read ${evaluate.topic}/#
topic write ${topics.conscience.results.topic}/${CONSCIENCE}
topic write ${answersFilter('conscience')}
`

let broker: Mosquitto
let folder: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-rules-'))
  const rules = join(folder, 'rules')
  writeFileSync(rules, RULES, { mode: 0o600 })
  broker = await Mosquitto.start({ settings: `acl_file ${rules}` })
})

afterAll(async () => {
  await broker?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const urlOf = (): string => `mqtts://127.0.0.1:${broker.tlsPort}`

async function connect(
  clientId: string,
  permissions: readonly string[],
  protocolVersion: 4 | 5,
): Promise<Bus> {
  const secret = 'a secret of at least thirty-two bytes'
  const tls = { ca: broker.ca }
  const bus = await connectBus({
    url: urlOf(),
    clientId,
    permissions,
    protocolVersion,
    tls,
    jwtSecret: secret,
  })
  onTestFinished(() => bus.close({ drain: false }))
  return bus
}

describe.each([5, 4] as const)('with Mosquitto and its rules, protocol version %i', (version) => {
  it('nobody is judged under the name of another, and the other still is under its own', async () => {
    const conscience = await connect(CONSCIENCE, COMPONENTS.conscience.permissions, version)
    const service = createConscience({ bus: conscience })
    await service.start()
    onTestFinished(() => service.stop())
    const victim = await connect('victim', [`publish:${evaluate.topic}`], version)
    const ask = () => victim.request(evaluate, { action: 'read the news' }, { timeoutMs: 10_000 })
    expect(await ask()).toMatchObject({ requested_by: 'victim' })
    const credentials = { username: 'attacker' }
    const tls = { ca: broker.ca }
    const options = { clientId: 'attacker', protocolVersion: version, tls, credentials }
    const attacker = createClient({ url: urlOf(), ...options })
    await attacker.connect()
    onTestFinished(async () => {
      await attacker.close()
    })
    for (const topic of [evaluate.topic, `${evaluate.topic}/victim`, `${evaluate.topic}/attacker`]) {
      const reply_to = 'jamey/api/responses/victim/conscience/answers'
      const metadata = { client_id: 'victim', correlation_id: ID, reply_to }
      const payload = { action: 'evaluate', data: { action: 'forged' } }
      const timestamp = new Date().toISOString()
      const bytes = encodeEnvelope({ message_id: ID, timestamp, topic, payload, metadata })
      // Refused where the protocol has a way to say so.
      await attacker.publish(topic, bytes, { qos: 1 }).catch(() => {})
    }
    await expect.poll(() => conscience.stats().refusedSenders).toBe(1)
    expect(await ask()).toMatchObject({ requested_by: 'victim' })
    expect(service.stats().evaluations).toBe(2)
    expect(victim.stats().answersDropped).toBe(0)
  })
})
