import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createAuthority, issueServerCertificate } from '@jamey/auth'
import { type Broker, createBroker, insecureAuthenticator } from '@jamey/broker'
import mqtt from 'mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

/** Our broker with clients that others wrote. TLS without WebSocket is covered by the broker's own tests. */
let broker: Broker
let port: number
let ca: string
let urls: Record<string, string>

beforeAll(async () => {
  const authority = await createAuthority()
  ca = authority.certPem
  const { certPem: cert, keyPem: key } = await issueServerCertificate(authority, { hosts: ['127.0.0.1'] })
  broker = await createBroker({
    listeners: [
      { host: '127.0.0.1', port: 0, insecure: true },
      { host: '127.0.0.1', port: 0, insecure: true, webSocket: true },
      { host: '127.0.0.1', port: 0, tls: { cert, key }, webSocket: true },
    ],
    authenticator: insecureAuthenticator(),
  })
  await broker.listen()
  const ports = broker.addresses.map((address) => address.port)
  port = ports[0] as number
  urls = {
    mqtt: `mqtt://127.0.0.1:${ports[0]}`,
    ws: `ws://127.0.0.1:${ports[1]}/mqtt`,
    wss: `wss://127.0.0.1:${ports[2]}/mqtt`,
  }
})

afterAll(() => broker?.close())

function run(program: string, args: string[]): { subscribed: Promise<void>; output: Promise<string> } {
  // Line by line: a pipe would get what it prints only when it ends.
  const child = spawn('stdbuf', ['-oL', program, '-h', '127.0.0.1', '-p', String(port), ...args])
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

describe.each(['mqttv31', 'mqttv311', 'mqttv5'])('mosquitto_pub and mosquitto_sub with %s', (version) => {
  it.each([0, 1, 2])(
    'exchange messages of QoS %i through our broker [MQTT-7.0.0-2 of 3.1.1]',
    async (qos) => {
      const topic = `cli/${version}/${qos}`
      const common = ['-V', version, '-q', String(qos), '-t', topic]
      // With -d the subscriber tells when it is subscribed.
      const subscriber = run('mosquitto_sub', [...common, '-C', '1', '-W', '20', '-d'])
      await subscriber.subscribed
      await run('mosquitto_pub', [...common, '-m', `hello from ${version}`]).output
      expect(await subscriber.output).toContain(`hello from ${version}`)
    },
  )

  it('sees a retained message', async () => {
    const topic = `cli/retained/${version}`
    await run('mosquitto_pub', ['-V', version, '-q', '1', '-t', topic, '-m', 'kept', '-r']).output
    expect(await run('mosquitto_sub', ['-V', version, '-t', topic, '-C', '1', '-W', '20']).output).toBe(
      'kept\n',
    )
  })
})

describe.each([
  ['mqtt', 3],
  ['mqtt', 4],
  ['mqtt', 5],
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
