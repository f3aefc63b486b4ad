import { describe, expect, it } from 'vitest'
import type { MqttPort } from './mqtt-port.js'
import { ServerStamp } from './server-stamp.js'

type Server = NonNullable<MqttPort['serverInformation']>

const server = (protocolVersion: 4 | 5, ...announced: string[]): Server =>
  ({
    protocolVersion,
    userProperties: announced.map((filter) => ['jamey-sender', filter] as const),
  }) as unknown as Server

function stampOf(serverInformation: Server | undefined, unannounced?: readonly string[]): ServerStamp {
  return new ServerStamp({ port: { serverInformation }, clientId: 'eva', unannounced })
}

describe('what the server tells of senders', () => {
  it('is what CONNACK announces, and what was configured of one that announces nothing', () => {
    const stamp = stampOf(server(5, 'a/#'), ['b/#'])
    expect(['a/1', 'b/1', 'c/1'].map((topic) => stamp.selects(topic))).toEqual([true, true, false])
    expect(['a/1', 'b/1', 'c/1'].map((topic) => stamp.topicFor(topic))).toEqual(['a/1', 'b/1', 'c/1/eva'])
  })

  it('is nothing over MQTT 3.1.1, nor before anybody knows which it will be', () => {
    for (const stamp of [stampOf(server(4), ['b/#']), stampOf(undefined, ['b/#'])]) {
      expect(stamp.selects('b/1')).toBe(false)
      expect(stamp.topicFor('b/1')).toBe('b/1/eva')
    }
  })

  it('is nothing that nobody said', () => {
    expect(stampOf(server(5)).selects('b/1')).toBe(false)
  })
})
