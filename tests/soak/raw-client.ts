import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Connect } from '@jamey/protocol'
import { RawClient } from '@jamey/testing'

/** Over TLS where there is an authority. Resolves at CONNACK; rejects where the server refuses. */
export async function connectRaw(port: number, ca: string | undefined, packet: Connect): Promise<RawClient> {
  const at = { port, host: '127.0.0.1' }
  const socket = ca === undefined ? connectTcp(at) : connectTls({ ...at, ca, minVersion: 'TLSv1.3' })
  await once(socket, ca === undefined ? 'connect' : 'secureConnect')
  const client = new RawClient(socket, packet.protocolVersion)
  const { reasonCode } = await client.handshake(packet)
  if (reasonCode !== 0) throw new Error(`CONNACK ${reasonCode}`)
  return client
}
