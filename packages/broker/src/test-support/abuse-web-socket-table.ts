import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connectPacket } from '@jamey/testing'
import { type Abuse, bytes, hex } from './abuse.js'
import type { Stage } from './stage.js'

/** A handshake as a client writes it; `lines` come on top, or instead. */
function handshake(path: string, ...lines: string[]): string {
  return [
    `GET ${path} HTTP/1.1`,
    'Host: x',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    ...lines,
    '\r\n',
  ].join('\r\n')
}

const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='
const MQTT = 'Sec-WebSocket-Protocol: mqtt'

/** What the server says to an HTTP request: its status; `closed` for nothing. */
async function status(socket: Socket, request: string): Promise<string> {
  let answer = ''
  socket.on('data', (chunk: Buffer) => {
    answer += chunk.toString('latin1')
  })
  socket.write(request)
  await new Promise<void>((resolve) => {
    socket.once('close', () => resolve())
    socket.on('data', () => {
      if (answer.includes('\r\n\r\n')) resolve()
    })
  })
  return answer === '' ? 'closed' : `HTTP ${answer.slice(9, 12)}`
}

/** Frames of a client whose handshake succeeded; the server ends it. */
function frames(what: string, sent: Buffer): Abuse {
  return {
    what: `over WebSocket: ${what}`,
    answer: 'closed',
    act: async (stage) => {
      const socket = await upgraded(stage)
      const closed = once(socket, 'close')
      // Whatever the server says is its goodbye.
      socket.on('data', () => socket.end())
      socket.write(sent)
      await closed
      return 'closed'
    },
  }
}

async function upgraded(stage: Stage): Promise<Socket> {
  const socket = await stage.socket(stage.webSocketPort)
  const word = await status(socket, handshake('/mqtt', KEY, MQTT))
  if (word !== 'HTTP 101') throw new Error(word)
  return socket
}

function refused(what: string, request: string, answer: string): Abuse {
  return {
    what: `over WebSocket: ${what}`,
    answer,
    act: async (stage) => status(await stage.socket(stage.webSocketPort), request),
  }
}

/** `bytes` in one frame, with a mask of zeros. */
function frame(opcode: number, payload: Buffer): Buffer {
  const length =
    payload.length < 126 ? [0x80 | payload.length] : [0xfe, payload.length >> 8, payload.length & 255]
  return Buffer.concat([Buffer.of(opcode, ...length, 0, 0, 0, 0), payload])
}

/** What can go wrong below MQTT, where it goes over WebSocket. */
export const WEB_SOCKETS: Abuse[] = [
  refused('no subprotocol [MQTT-6.0.0-3]', handshake('/mqtt', KEY), 'HTTP 400'),
  refused('another path', handshake('/', KEY, MQTT), 'HTTP 404'),
  refused('no key', handshake('/mqtt', MQTT), 'HTTP 400'),
  refused('a request for a page', 'GET /mqtt HTTP/1.1\r\nHost: x\r\n\r\n', 'HTTP 426'),
  refused(
    'a request with a body',
    'POST /mqtt HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello',
    'HTTP 426',
  ),
  refused(
    'a header of a hundred thousand bytes',
    handshake('/mqtt', `X: ${'x'.repeat(100_000)}`, KEY, MQTT),
    'HTTP 431',
  ),
  refused('no HTTP at all', `${'\0'.repeat(50)}\r\n\r\n`, 'HTTP 400'),
  frames('a text frame [MQTT-6.0.0-1]', frame(0x81, Buffer.from('hello'))),
  frames('a frame without a mask', hex('82 02 c0 00')),
  frames('reserved bits', frame(0xf2, hex('c0 00'))),
  frames('a frame of nine exabytes', hex('82 ff 7f ff ff ff ff ff ff ff 00 00 00 00')),
  frames('a continuation of nothing', frame(0x80, hex('c0 00'))),
  frames('an opcode that does not exist', frame(0x83, hex('c0 00'))),
  frames('a ping of more than 125 bytes', frame(0x89, Buffer.alloc(126))),
  frames('PINGREQ before CONNECT [MQTT-3.1.0-1]', frame(0x82, hex('c0 00'))),
  frames(
    'a malformed packet',
    Buffer.concat([frame(0x82, bytes(connectPacket())), frame(0x82, hex('00 00'))]),
  ),
]
