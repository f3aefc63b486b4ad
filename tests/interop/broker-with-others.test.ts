import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAuthority, issueServerCertificate } from '@jamey/auth'
import { type Broker, createBroker, insecureAuthenticator } from '@jamey/broker'
import mqtt from 'mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

/** Our broker with clients that others wrote. Mosquitto's speak no WebSocket; MQTT.js does. */
const folder = mkdtempSync(join(tmpdir(), 'jamey-others-'))
const caFile = join(folder, 'ca.crt')
let broker: Broker
let ports: number[]
let ca: string
let urls: Record<string, string>

beforeAll(async () => {
  const authority = await createAuthority()
  ca = authority.certPem
  writeFileSync(caFile, ca)
  const { certPem: cert, keyPem: key } = await issueServerCertificate(authority, { hosts: ['127.0.0.1'] })
  broker = await createBroker({
    listeners: [
      { host: '127.0.0.1', port: 0, insecure: true },
      { host: '127.0.0.1', port: 0, tls: { cert, key } },
      { host: '127.0.0.1', port: 0, insecure: true, webSocket: true },
      { host: '127.0.0.1', port: 0, tls: { cert, key }, webSocket: true },
    ],
    authenticator: insecureAuthenticator(),
  })
  await broker.listen()
  ports = broker.addresses.map((address) => address.port)
  urls = {
    mqtt: `mqtt://127.0.0.1:${ports[0]}`,
    mqtts: `mqtts://127.0.0.1:${ports[1]}`,
    ws: `ws://127.0.0.1:${ports[2]}/mqtt`,
    wss: `wss://127.0.0.1:${ports[3]}/mqtt`,
  }
})

afterAll(async () => {
  await broker?.close()
  rmSync(folder, { recursive: true, force: true })
})

type Way = 'TCP' | 'TLS'

function run(
  way: Way,
  program: string,
  args: string[],
): { subscribed: Promise<void>; output: Promise<string> } {
  const where = ['-h', '127.0.0.1', '-p', String(ports[way === 'TCP' ? 0 : 1])]
  const secure = way === 'TLS' ? ['--cafile', caFile, '--tls-version', 'tlsv1.3'] : []
  // Line by line: a pipe would get what it prints only when it ends.
  const child = spawn('stdbuf', ['-oL', program, ...where, ...secure, ...args])
  let stdout = ''
  const subscribed = new Promise<void>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk
      if (stdout.includes('Subscribed')) resolve()
    })
  })
  const output = once(child, 'close').then(([code]) => {
    if (code !== 0) throw new Error(`${program} ended with ${code}: ${stdout}`)
    return stdout
  })
  return { subscribed, output }
}

describe.each([
  ['TCP', 'mqttv31'],
  ['TCP', 'mqttv311'],
  ['TCP', 'mqttv5'],
  ['TLS', 'mqttv311'],
  ['TLS', 'mqttv5'],
] as const)('mosquitto_pub and mosquitto_sub over %s with %s', (way, version) => {
  it.each([0, 1, 2])(
    'exchange messages of QoS %i through our broker [MQTT-7.0.0-2 of 3.1.1]',
    async (qos) => {
      const topic = `cli/${way}/${version}/${qos}`
      const common = ['-V', version, '-q', String(qos), '-t', topic]
      // With -d the subscriber tells when it is subscribed.
      const subscriber = run(way, 'mosquitto_sub', [...common, '-C', '1', '-W', '20', '-d'])
      await subscriber.subscribed
      await run(way, 'mosquitto_pub', [...common, '-m', `hello from ${version}`]).output
      expect(await subscriber.output).toContain(`hello from ${version}`)
    },
  )

  it('sees a retained message', async () => {
    const topic = `cli/retained/${way}/${version}`
    await run(way, 'mosquitto_pub', ['-V', version, '-q', '1', '-t', topic, '-m', 'kept', '-r']).output
    expect(await run(way, 'mosquitto_sub', ['-V', version, '-t', topic, '-C', '1', '-W', '20']).output).toBe(
      'kept\n',
    )
  })
})

describe.each([
  ['mqtt', 3],
  ['mqtt', 4],
  ['mqtt', 5],
  ['mqtts', 4],
  ['mqtts', 5],
  ['ws', 4],
  ['ws', 5],
  ['wss', 4],
  ['wss', 5],
] as const)('MQTT.js over %s with protocol version %i', (scheme, protocolVersion) => {
  it('publishes and receives QoS 0, 1 and 2 [MQTT-7.0.0-2 of 3.1.1]', async () => {
    const client = await mqtt.connectAsync(
      urls[scheme] as string,
      {
        protocolVersion,
        protocolId: protocolVersion === 3 ? 'MQIsdp' : 'MQTT',
        ca,
      } as mqtt.IClientOptions,
    )
    const seen: string[] = []
    client.on('message', (_topic, payload) => seen.push(payload.toString()))
    const topic = `js/${scheme}/${protocolVersion}`
    await client.subscribeAsync(topic, { qos: 2 })
    const large = 'x'.repeat(300_000)
    const sent = Array.from({ length: 60 }, (_, i) => (i % 20 === 19 ? `${i} ${large}` : String(i)))
    for (const [i, value] of sent.entries()) {
      await client.publishAsync(topic, value, { qos: (i % 3) as 0 | 1 | 2 })
    }
    await expect.poll(() => seen.length).toBe(sent.length)
    expect([...seen].sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))).toEqual(sent)
    await client.endAsync()
  })
})
