import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, MqttPeer, type Script } from '@jamey/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { runCommand } from './run-command.support.js'

/** `jamey` with a broker that follows `script`, and what that broker heard. */
async function runAt(script: Script, args: readonly string[], before = '') {
  const folder = mkdtempSync(join(tmpdir(), 'jamey-connection-'))
  const peer = await MqttPeer.listen()
  onTestFinished(async () => {
    await peer.close()
    rmSync(folder, { recursive: true })
  })
  peer.follow(script)
  const ended = await runCommand(folder, args, {
    MQTT_BROKER_URL: `${before}${peer.url}`,
    MQTT_INSECURE: '1',
    MQTT_JWT_SECRET: 'a secret of at least 32 bytes, for tests',
  })
  const heard = peer.connections.map(({ connect }) => connect)
  return { ...ended, heard }
}

const PUB = ['pub', 'jamey/lab', '--raw', 'hello', '--qos', '1']

describe('a command', () => {
  it('gets through to a broker that does not know the authentication method JWT', async () => {
    const { code, stderr, heard } = await runAt(
      {
        connect: ({ properties }, server) =>
          server.accept({ reasonCode: properties?.authenticationMethod === undefined ? 0 : 0x8c }),
      },
      PUB,
    )
    expect({ code, stderr }).toMatchObject({ code: 0 })
    expect(heard.map(({ properties }) => properties?.authenticationMethod)).toEqual(['JWT', undefined])
  })

  it('gets through to a broker of MQTT 3.1.1, whose session ends with it', async () => {
    const { code, stderr, heard } = await runAt(
      {
        connect: ({ protocolVersion }, server) => {
          if (protocolVersion === 5) server.socket.end(Buffer.from('20020001', 'hex'))
          else server.accept()
        },
      },
      PUB,
    )
    expect({ code, stderr }).toMatchObject({ code: 0 })
    expect(heard.map(({ protocolVersion }) => protocolVersion)).toEqual([5, 4])
    expect(heard[1]?.cleanStart).toBe(true)
  })

  it('gets through at the second of two addresses', async () => {
    const { code, heard } = await runAt({}, PUB, `mqtt://127.0.0.1:${await freePort()},`)
    expect([code, heard.length]).toEqual([0, 1])
  })

  it('that is refused in every form says so and leaves with 3', async () => {
    const { code, stderr } = await runAt({ connect: (_, server) => server.accept({ reasonCode: 0x87 }) }, PUB)
    expect(code).toBe(3)
    expect(stderr).toContain('notAuthorized (0x87)')
  })
})
