import { type Broker, createBroker, insecureAuthenticator } from '@jamey/broker'
import { type Bus, connectBus, RequestError } from '@jamey/bus'
import type { RequestContract } from '@jamey/contracts'
import { freePort } from '@jamey/testing'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { emptyFolder, jamey, removeFolder } from './program.js'

/** Contracts that the command line knows nothing of, served by a program of one's own. */

vi.setConfig({ testTimeout: 300_000 })

const WEIGH = {
  topic: 'jamey/lab/scales',
  action: 'weigh',
  qos: 1,
  retain: false,
  schema: z.object({ grams: z.number() }),
  responseSchema: z.object({ kilograms: z.number() }),
  service: 'lab',
  description: 'Turns grams into kilograms.',
} as const satisfies RequestContract

let folder: string
let broker: Broker
let bus: Bus
let env: Record<string, string>

beforeAll(async () => {
  folder = emptyFolder()
  const port = await freePort()
  broker = await createBroker({
    listeners: [{ host: '127.0.0.1', port, insecure: true }],
    authenticator: insecureAuthenticator(),
    stampSenders: ['jamey/#'],
  })
  await broker.listen()
  env = { MQTT_BROKER_URL: `mqtt://127.0.0.1:${port}`, MQTT_INSECURE: '1' }
  bus = await connectBus({
    url: `mqtt://127.0.0.1:${port}`,
    insecure: true,
    clientId: 'scales',
    permissions: ['jamey/#', 'subscribe:$share/lab/jamey/#', 'subscribe:lab/#', 'subscribe:$share/lab/lab/#'],
  })
  await bus.serve(WEIGH, {}, ({ data: payload }) => {
    if (payload.grams < 0) throw new RequestError('forbidden', 'nothing weighs less than nothing')
    return { kilograms: payload.grams / 1000 }
  })
  await bus.serve(ELSEWHERE, {}, ({ data: payload }) => ({ kilograms: payload.grams / 1000 }))
})

/** The same beside Jamey's own topics, where the topic tells who asks. */
const ELSEWHERE = { ...WEIGH, topic: 'lab/scales' }

afterAll(async () => {
  await bus?.close()
  await broker?.close()
  removeFolder(folder)
})

const run = (...args: string[]) => jamey(folder, args, undefined, env)
const weigh = (...args: string[]) => run('request', WEIGH.topic, ...args)

describe('jamey request', () => {
  it('speaks to a contract of a program of its own, by its action', async () => {
    const { code, stdout } = await weigh('{"grams": 250}', '--action', 'weigh')
    expect({ code, answer: JSON.parse(stdout) }).toEqual({ code: 0, answer: { kilograms: 0.25 } })
    const twice = await weigh('{"grams": 1}', '--action', 'weigh', '--qos', '2', '--json')
    expect(twice).toMatchObject({ code: 0, stdout: '{"kilograms":0.001}\n' })
  })

  it('ends with the code of what the answer tells', async () => {
    expect(await weigh('{"grams": -1}', '--action', 'weigh')).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringContaining('nothing weighs less than nothing'),
    })
    expect(await weigh('{"grams": "a lot"}', '--action', 'weigh')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('grams'),
    })
    expect(await weigh('{}', '--action', 'paint', '--qos', '2')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("No action 'paint'"),
    })
    expect(await weigh('not JSON', '--action', 'weigh')).toMatchObject({ code: 2 })
    expect(await weigh('{}', '--action', 'weigh', '--raw')).toMatchObject({ code: 2 })
  })

  it('prints an answer that tells an error, and ends with its code, where it sent bytes as they are', async () => {
    const plain = await weigh('{"grams": 250}')
    expect(plain.code).toBe(2)
    expect(JSON.parse(plain.stdout)).toMatchObject({ payload: { error: { kind: 'invalid-message' } } })
    expect(plain.stderr).toMatch(/^error: the answer is an error: .*\n {2}-> --action NAME/m)
    expect(await weigh('{"grams": 250}', '--raw')).toMatchObject({
      code: 2,
      stdout: expect.stringContaining('"invalid-message"'),
      stderr: expect.not.stringContaining('--action'),
    })
  })
})

describe('jamey pub', () => {
  it('says of bytes that nobody answers that a service of the bus hears envelopes alone', async () => {
    const permitted = ['--permission', 'publish:lab/#']
    const bytes = ['request', ELSEWHERE.topic, '{"grams": 1}', '--timeout', '2', ...permitted]
    expect(await run(...bytes)).toMatchObject({ code: 4, stderr: expect.stringContaining('--action NAME') })
    expect((await run(...bytes, '--raw')).stderr).not.toContain('--action')
    expect(await run(...bytes, '--action', 'weigh')).toMatchObject({ code: 0 })
  })

  it('puts the data of an action of its own into an envelope', async () => {
    const heard = new Promise<unknown>((resolve) => {
      const contract = { ...WEIGH, topic: 'jamey/lab/readings', action: 'read', schema: z.unknown() }
      void bus
        .subscribe(contract, ({ data }) => resolve(data))
        .then(() => run('pub', 'jamey/lab/readings', '[1, 2]', '--action', 'read'))
    })
    expect(await heard).toEqual([1, 2])
  })
})
