import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type Broker, createBroker, insecureAuthenticator } from '@jamey/broker'
import mqtt from 'mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

/** Our broker with clients that others wrote. TLS is covered by the broker's own tests. */
let broker: Broker
let port: number

beforeAll(async () => {
  broker = await createBroker({
    listeners: [{ host: '127.0.0.1', port: 0, insecure: true }],
    authenticator: insecureAuthenticator(),
  })
  await broker.listen()
  port = broker.addresses[0]?.port as number
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
  it.each([0, 1, 2])('exchange messages of QoS %i through our broker', async (qos) => {
    const topic = `cli/${version}/${qos}`
    const common = ['-V', version, '-q', String(qos), '-t', topic]
    // With -d the subscriber tells when it is subscribed.
    const subscriber = run('mosquitto_sub', [...common, '-C', '1', '-W', '20', '-d'])
    await subscriber.subscribed
    await run('mosquitto_pub', [...common, '-m', `hello from ${version}`]).output
    expect(await subscriber.output).toContain(`hello from ${version}`)
  })

  it('sees a retained message', async () => {
    const topic = `cli/retained/${version}`
    await run('mosquitto_pub', ['-V', version, '-q', '1', '-t', topic, '-m', 'kept', '-r']).output
    expect(await run('mosquitto_sub', ['-V', version, '-t', topic, '-C', '1', '-W', '20']).output).toBe(
      'kept\n',
    )
  })
})

describe.each([3, 4, 5] as const)('MQTT.js with protocol version %i', (protocolVersion) => {
  it('publishes and receives QoS 0, 1 and 2', async () => {
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, {
      protocolVersion,
      protocolId: protocolVersion === 3 ? 'MQIsdp' : 'MQTT',
    } as mqtt.IClientOptions)
    const seen: string[] = []
    client.on('message', (_topic, payload) => seen.push(payload.toString()))
    await client.subscribeAsync('js/#', { qos: 2 })
    const sent = Array.from({ length: 60 }, (_, i) => String(i))
    for (const value of sent)
      await client.publishAsync('js/x', value, { qos: (Number(value) % 3) as 0 | 1 | 2 })
    await expect.poll(() => seen.length).toBe(sent.length)
    expect([...seen].sort((a, b) => Number(a) - Number(b))).toEqual(sent)
    await client.endAsync()
  })
})
