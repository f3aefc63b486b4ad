import { topics } from '@jamey/contracts'
import { MqttPeer, type PeerConnection } from '@jamey/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type BusConfig, connectBus } from '../index.js'

interface Asked {
  readonly hasMethod: boolean
  readonly packetBytes: number
}

/** A bus at a server that lets in whom `refuse` lets pass; resolves with what the server heard. */
async function connectAt(
  refuse: (asked: Asked, server: PeerConnection) => boolean,
  settings: Partial<BusConfig> = {},
) {
  const peer = await MqttPeer.listen()
  peer.follow({
    connect: ({ properties }, server) => {
      const packetBytes = properties?.maximumPacketSize ?? 0
      const isRefused = refuse(
        { hasMethod: properties?.authenticationMethod !== undefined, packetBytes },
        server,
      )
      if (!isRefused) server.accept()
    },
  })
  onTestFinished(() => peer.close())
  const warned: string[] = []
  const warn = (_: object, text: string): void => void warned.push(text)
  const bus = await connectBus({
    url: peer.url,
    insecure: true,
    clientId: 'me',
    jwtSecret: 'a secret of at least 32 bytes, for tests',
    permissions: ['jamey/#', 'subscribe:$share/g/jamey/#'],
    log: { debug: () => {}, info: () => {}, warn, error: warn },
    ...settings,
  })
  onTestFinished(() => bus.close({ drain: false }))
  return { bus, heard: peer.connections.map(({ connect }) => connect), warned }
}

describe('a bus with all defaults', () => {
  it('gets into EMQX, which answers a method that it does not know with 0x87', async () => {
    const { heard } = await connectAt(({ hasMethod }, server) => {
      if (hasMethod) server.accept({ reasonCode: 0x87 })
      return hasMethod
    })
    expect(heard.map(({ properties }) => properties?.authenticationMethod)).toEqual(['JWT', undefined])
    expect(heard[1]?.password?.length).toBeGreaterThan(100)
  })

  it('gets into VerneMQ, which hangs up on a packet size over what Remaining Length can say, and on a method', async () => {
    const { heard } = await connectAt(({ hasMethod, packetBytes }, server) => {
      const isCrash = hasMethod || packetBytes > 268_435_455
      if (isCrash) server.cut()
      return isCrash
    })
    expect(heard).toHaveLength(2)
  })

  it('takes one connection where it was told what the server does not know', async () => {
    const { heard } = await connectAt(() => false, { authenticationMethod: 'none', protocolVersion: 4 })
    expect(heard).toMatchObject([{ protocolVersion: 4, username: 'me', cleanStart: false }])
  })

  it('tells nobody who it is where the certificate does', async () => {
    const { heard } = await connectAt(() => false, { username: false })
    expect(heard).toMatchObject([{ username: undefined, password: undefined }])
    expect(heard[0]?.properties?.authenticationMethod).toBeUndefined()
  })
})

describe('a subscription of a group', () => {
  const group = { group: 'g' }

  it('is refused where the server is known not to share', async () => {
    const { bus } = await connectAt(() => false, { protocolVersion: 4, sharedSubscriptions: 'unavailable' })
    await expect(bus.subscribe(topics.memory.updates, group, () => {})).rejects.toMatchObject({
      name: 'SubscriptionError',
      code: 'not-supported',
    })
  })

  it('at a server of MQTT 3.1.1 comes with the warning that it may bring nothing', async () => {
    const { bus, warned } = await connectAt(() => false, { protocolVersion: 4 })
    await bus.subscribe(topics.memory.updates, group, () => {})
    expect(warned.at(-1)).toContain('MQTT_SHARED_SUBSCRIPTIONS')
  })
})
