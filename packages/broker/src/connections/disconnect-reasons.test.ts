import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ReasonCode } from '@jamey/protocol'
import { FakeClock, RawClient, until } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { AuthenticationRefused, type BrokerOptions, insecureAuthenticator } from '../index.js'
import { MemoryBrokerStore } from '../storage/memory-store.js'
import { startBroker } from '../test-support/start-broker.js'

const page = readFileSync(join(import.meta.dirname, '../../../../docs/errors.md'), 'utf8')

interface Row {
  readonly subject: string
  readonly passesBy: string
}

/** The rows of the table below a heading. */
function tableOf(heading: string): Row[] {
  const [, rest = ''] = page.split(`\n${heading}\n`)
  const [section = ''] = rest.split(/\n##/)
  const rows = [...section.matchAll(/^\| (?!---)(.+?) \| .+ \| (\w+) \|$/gm)]
  return rows.map(([, subject = '', passesBy = '']) => ({ subject, passesBy }))
}

function codesOf(rows: readonly Row[]): number[] {
  return rows.map(({ subject }) => Number(subject.split(' ')[0]))
}

const DISCONNECT = tableOf('### DISCONNECT of the broker')
const CONNACK = tableOf('### CONNACK of the broker')

interface Stage {
  readonly broker: Awaited<ReturnType<typeof startBroker>>['broker']
  readonly port: number
  readonly clock: FakeClock
  readonly client: RawClient
}

interface Disconnect {
  readonly reasonCode: number
  readonly options?: Partial<BrokerOptions>
  act(stage: Stage): unknown
}

const hexadecimal = (bytes: string): Buffer => Buffer.from(bytes.replaceAll(' ', ''), 'hex')
const sends = (bytes: string) => (stage: Stage) => stage.client.sendBytes(hexadecimal(bytes))
const publishMany = ({ client }: Stage): void => {
  for (let n = 1; n <= 2; n++) client.publish('t', 'm', { qos: 2, packetIdentifier: n })
}

/** Who comes with a method may renew as often as it likes. */
const renewing: BrokerOptions['authenticator'] = {
  authenticate: (request) =>
    insecureAuthenticator().authenticate({ ...request, authenticationMethod: undefined }),
}
/** What has room for nothing any more, once it is full. */
class FullStore extends MemoryBrokerStore {
  isFull = false

  override async commit(): Promise<void> {
    if (this.isFull) throw new Error('disk is full')
    await super.commit()
  }
}
const full = new FullStore()
/** What an identity must not do. */
const faulty: BrokerOptions['authenticator'] = {
  authenticate: async (request) => ({
    ...(await insecureAuthenticator().authenticate(request)),
    mayPublish: () => {
      throw new Error('a fault of the identity')
    },
  }),
}

/** How a client of MQTT 5.0 that was let in comes to each of them. */
const DISCONNECTS: readonly Disconnect[] = [
  {
    reasonCode: 0x80,
    options: { authenticator: faulty },
    act: ({ client }) => client.publish('t', 'm'),
  },
  { reasonCode: 0x81, act: sends('82 07 0001 00 0001 74 40') },
  { reasonCode: 0x82, act: sends('10 0d 0004 4d515454 05 02 0000 00 0000') },
  {
    reasonCode: 0x87,
    act: ({ broker }) => broker.reload({ revise: () => ({ refuse: ReasonCode.notAuthorized }) }),
  },
  {
    reasonCode: 0x89,
    options: { store: full },
    act: async ({ broker, client, clock }) => {
      full.isFull = true
      client.publish('t', 'm', { qos: 1, packetIdentifier: 1, retain: true })
      await until(() => broker.stats().storeFailures === 1)
      await clock.advance(10_000)
      full.isFull = false
    },
  },
  { reasonCode: 0x8b, act: ({ broker }) => void broker.close() },
  { reasonCode: 0x8d, act: ({ clock }) => clock.advance(15_000) },
  {
    reasonCode: 0x8e,
    act: ({ port }) => RawClient.connect(port, { clientId: 'it' }),
  },
  { reasonCode: 0x8f, act: sends('82 06 0001 00 0000 00') },
  { reasonCode: 0x90, act: sends('30 04 0001 23 00') },
  { reasonCode: 0x93, options: { limits: { receiveMaximum: 1 } }, act: publishMany },
  { reasonCode: 0x94, act: sends('30 06 0000 03 23ffff') },
  { reasonCode: 0x95, options: { limits: { packetBytes: 100 } }, act: sends('30 ff 01') },
  {
    reasonCode: 0x96,
    options: { limits: { renewalsPerMinute: 1 }, authenticator: renewing },
    act: async ({ client }) => {
      for (let n = 0; n < 2; n++) {
        const properties = { authenticationMethod: 'm' }
        client.send({ type: 'auth', reasonCode: ReasonCode.reAuthenticate, properties })
        if (n === 0) await client.expect('auth')
      }
    },
  },
  {
    reasonCode: 0x97,
    options: { limits: { heldBytes: 1_000, packetBytes: 10_000 } },
    act: ({ client }) =>
      client.sendBytes(Buffer.concat([hexadecimal('30 a0 1f 0001 74'), Buffer.alloc(2_000)])),
  },
  { reasonCode: 0x98, act: ({ broker }) => broker.disconnect('it') },
  {
    reasonCode: 0x9a,
    options: { retainAvailable: false },
    act: ({ client }) => client.publish('t', 'm', { retain: true }),
  },
  {
    reasonCode: 0x9b,
    options: { maximumQos: 1 },
    act: ({ client }) => client.publish('t', 'm', { qos: 2, packetIdentifier: 1 }),
  },
  { reasonCode: 0x9c, act: ({ broker }) => void broker.close({ serverReference: 'b:1' }) },
  { reasonCode: 0x9d, act: ({ broker }) => void broker.close({ reasonCode: 0x9d }) },
]

describe('the tables of docs/errors.md about the broker', () => {
  it('have every DISCONNECT that a client was shown to come to, and no other', () => {
    expect(codesOf(DISCONNECT)).toEqual(DISCONNECTS.map(({ reasonCode }) => reasonCode))
  })

  it('have every reason code with which the code ends a connection', () => {
    const src = join(import.meta.dirname, '..')
    const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
      .filter((file) => /^[\w/-]+\.ts$/.test(file) && !/^(conformance|test-support)\//.test(file))
      .map((file) => readFileSync(join(src, file), 'utf8'))
    const ends = /(?:ConnectionFault\(|\.end\(|AuthenticationRefused\([^)]*?)\s*ReasonCode\.(\w+)/g
    const named = files.flatMap((text) => [...text.matchAll(ends)].map(([, name]) => name))
    const known = new Set([...codesOf(DISCONNECT), ...codesOf(CONNACK)])
    const missing = named.filter((name) => !known.has(ReasonCode[name as keyof typeof ReasonCode]))
    expect(named.length).toBeGreaterThan(15)
    expect(missing).toEqual([])
  })

  it('name each code as the standard does, in order, and what it passes by', () => {
    for (const table of [DISCONNECT, CONNACK]) {
      expect(codesOf(table)).toEqual([...codesOf(table)].sort((a, b) => a - b))
      for (const { subject, passesBy } of table) {
        const [code, name = ''] = subject.split(' ')
        expect(ReasonCode[name as keyof typeof ReasonCode], subject).toBe(Number(code))
        expect(['time', 'client']).toContain(passesBy)
      }
    }
  })

  it('have every code of BrokerError', () => {
    const source = readFileSync(join(import.meta.dirname, '../support/errors.ts'), 'utf8')
    const [, union = ''] = /export type BrokerErrorCode =([^/]*)/.exec(source) ?? []
    const codes = [...union.matchAll(/'([a-z-]+)'/g)].map(([, code]) => code)
    expect(tableOf('### `BrokerError`').map(({ subject }) => subject.replaceAll('`', ''))).toEqual(codes)
  })
})

describe('a client of MQTT 5.0 that was let in', () => {
  it.each(DISCONNECTS.map((disconnect) => [`0x${disconnect.reasonCode.toString(16)}`, disconnect] as const))(
    'is told %s',
    async (_code, { reasonCode, options, act }) => {
      const clock = new FakeClock()
      const { broker, port } = await startBroker({ clock, ...options })
      const isRenewing = options?.authenticator === renewing
      const properties = isRenewing ? { authenticationMethod: 'm' } : undefined
      const client = await RawClient.connect(port, { clientId: 'it', keepAlive: 10, properties })
      await until(() => broker.stats().connections === 1)
      await act({ broker, port, clock, client })
      let packet = await client.next()
      while (packet !== undefined && packet.type !== 'disconnect') packet = await client.next()
      expect(packet).toMatchObject({ type: 'disconnect', reasonCode })
    },
  )
})

describe('a client that is not let in', () => {
  it('is told what the authenticator says, where the table has it', async () => {
    // Whose version is unknown is answered in that of 3.1.1.
    for (const reasonCode of codesOf(CONNACK).filter((code) => code !== 0x84)) {
      const authenticator = {
        authenticate: () => Promise.reject(new AuthenticationRefused('no', reasonCode)),
      }
      const { port } = await startBroker({ authenticator })
      const client = await RawClient.open(port)
      expect((await client.handshake()).reasonCode).toBe(reasonCode)
    }
  })
})
