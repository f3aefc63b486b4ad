import { createAuthority, issueServerCertificate } from '@jamey/auth'
import { until } from '@jamey/testing'
import mqtt from 'mqtt'
import { beforeAll, describe, expect, it } from 'vitest'
import type { ListenerOptions } from '../index.js'
import { startBroker } from '../test-support/start-broker.js'

describe('MQTT.js', () => {
  let secure: ListenerOptions
  let ca: string

  beforeAll(async () => {
    const authority = await createAuthority()
    const { certPem: cert, keyPem: key } = await issueServerCertificate(authority, { hosts: ['localhost'] })
    ca = authority.certPem
    secure = { host: '127.0.0.1', port: 0, tls: { cert, key } }
  })

  for (const protocolVersion of [4, 5] as const) {
    for (const protocol of ['mqtt', 'mqtts'] as const) {
      it(`works over ${protocol} as version ${protocolVersion}: QoS 0 to 2, retained, will, session`, async () => {
        const plain = { host: '127.0.0.1', port: 0, insecure: true } as const
        const listener = protocol === 'mqtts' ? secure : plain
        const { broker, port } = await startBroker({ listeners: [listener] })
        const common = { protocolVersion, ca, servername: 'localhost', reconnectPeriod: 0 }
        const url = `${protocol}://127.0.0.1:${port}`
        const stays = {
          ...common,
          clientId: 'sub',
          clean: false,
          ...(protocolVersion === 5 && { properties: { sessionExpiryInterval: 60 } }),
        }
        const subscriber = await mqtt.connectAsync(url, stays)
        const publisher = await mqtt.connectAsync(url, {
          ...common,
          clientId: 'pub',
          will: { topic: 'w/will', payload: Buffer.from('gone'), qos: 1, retain: true },
        })
        const got: string[] = []
        subscriber.on('message', (topic, payload, { qos, retain }) => {
          got.push(`${topic}=${payload.toString()} q${qos}${retain ? ' retain' : ''}`)
        })
        await publisher.publishAsync('w/r', 'kept', { retain: true, qos: 1 })
        await subscriber.subscribeAsync('w/#', { qos: 2 })
        for (const qos of [0, 1, 2] as const) await publisher.publishAsync(`w/${qos}`, 'm', { qos })
        await until(() => got.length === 4)
        expect(got).toEqual(['w/r=kept q1 retain', 'w/0=m q0', 'w/1=m q1', 'w/2=m q2'])
        await subscriber.endAsync()
        await publisher.publishAsync('w/later', 'm', { qos: 2 })
        publisher.stream.destroy()
        await until(() => broker.stats().willsPublished === 1)
        const again = mqtt.connect(url, stays)
        const later: string[] = []
        again.on('message', (topic) => later.push(topic))
        await until(() => later.length === 2)
        // A message of QoS 2 is shown only after PUBREL, so the will may come first.
        expect(later.sort()).toEqual(['w/later', 'w/will'])
        await again.endAsync()
        await publisher.endAsync(true)
      })
    }
  }
})
