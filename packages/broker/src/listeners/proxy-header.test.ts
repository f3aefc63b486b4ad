import { describe, expect, it } from 'vitest'
import {
  assertProxySignature,
  crc32c,
  MAXIMUM_PROXY_BYTES,
  PROXY_PREFIX_BYTES,
  proxiedAddress,
  proxyBodyBytes,
} from './proxy-header.js'

const SIGNATURE = '0d0a0d0a000d0a515549540a'
const TCP4 = 'c0000201' + 'c6336401' + '8235' + '22b3'
const TCP6 = `20010db8000000000000000000000007${'20010db8000000000000000000000001'}823522b3`

function header(versionAndCommand: string, family: string, body: string): Buffer {
  const length = (body.length / 2).toString(16).padStart(4, '0')
  return Buffer.from(SIGNATURE + versionAndCommand + family + length + body, 'hex')
}

function unix(path: string): string {
  return Buffer.from(path).toString('hex').padEnd(432, '0')
}

function tlv(type: string, value: string): string {
  return type + (value.length / 2).toString(16).padStart(4, '0') + value
}

/** With a checksum TLV between two others. */
function checked(damage = 0): Buffer {
  const body = TCP4 + tlv('04', '0000') + tlv('03', '00000000') + tlv('02', '6578616d706c65')
  const bytes = header('21', '11', body)
  const at = PROXY_PREFIX_BYTES + 12 + 5 + 3
  bytes.writeUInt32BE((crc32c(bytes) ^ damage) >>> 0, at)
  return bytes
}

describe('a header of PROXY protocol version 2', () => {
  it.each([
    ['TCP over IPv4', header('21', '11', TCP4), '192.0.2.1'],
    ['TCP over IPv6', header('21', '21', TCP6), '2001:db8::7'],
    [
      'a mapped IPv4 address',
      header('21', '21', `${'0'.repeat(20)}ffffc0000201${TCP6.slice(32)}`),
      '192.0.2.1',
    ],
    ['a UNIX socket', header('21', '31', unix('/run/mqtt:1')), 'unix:/run/mqtt:1'],
    ['a UNIX socket of the longest path', header('21', '31', '61'.repeat(216)), `unix:${'a'.repeat(108)}`],
    ['UNSPEC', header('21', '00', ''), undefined],
    ['UNSPEC with a TLV', header('21', '00', tlv('04', '00')), undefined],
    ['UNSPEC with whatever behind it', header('21', '00', 'ffffff'), undefined],
    ['LOCAL', header('20', '00', ''), undefined],
    ['LOCAL with whatever behind it', header('20', '11', 'ffffff'), undefined],
    [
      'TLVs, which are stepped over',
      header('21', '11', TCP4 + tlv('04', '') + tlv('ee', '0102')),
      '192.0.2.1',
    ],
    ['a checksum', checked(), '192.0.2.1'],
  ])('tells the client of %s', (_name, bytes, address) => {
    assertProxySignature(bytes)
    expect(proxyBodyBytes(bytes.subarray(0, PROXY_PREFIX_BYTES))).toBe(bytes.length - PROXY_PREFIX_BYTES)
    expect(proxiedAddress(bytes)).toBe(address)
  })

  it.each([
    ['another version', header('11', '11', TCP4), 'version 1; expected 2'],
    ['an unknown command', header('22', '11', TCP4), 'command 2'],
    ['datagrams', header('21', '12', TCP4), 'family 0x12'],
    ['an unknown family', header('21', '41', TCP4), 'family 0x41'],
    ['addresses that are cut off', header('21', '21', TCP4), 'addresses run past'],
    ['a TLV that is cut off', header('21', '11', `${TCP4}0400`), 'TLV'],
    ['a TLV longer than the header', header('21', '11', `${TCP4}04000200`), 'TLV'],
    ['a wrong checksum', checked(1), 'checksum of the PROXY protocol header is wrong'],
    ['a checksum of another size', header('21', '11', TCP4 + tlv('03', '0000')), 'not 4 bytes'],
  ])('is refused with %s', (_name, bytes, message) => {
    const read = (): unknown => {
      proxyBodyBytes(bytes.subarray(0, PROXY_PREFIX_BYTES))
      return proxiedAddress(bytes)
    }
    expect(read).toThrow(message)
  })

  it('may be so long and no longer', () => {
    const prefix = header('21', '11', '')
    prefix.writeUInt16BE(MAXIMUM_PROXY_BYTES, 14)
    expect(proxyBodyBytes(prefix)).toBe(MAXIMUM_PROXY_BYTES)
    prefix.writeUInt16BE(MAXIMUM_PROXY_BYTES + 1, 14)
    expect(() => proxyBodyBytes(prefix)).toThrow('at most 4096')
  })

  it('is told from something else by the first byte that differs, and version 1 by its name', () => {
    const bytes = header('21', '11', TCP4)
    for (let length = 0; length <= bytes.length; length++) assertProxySignature(bytes.subarray(0, length))
    for (let at = 1; at < 12; at++) {
      const other = Buffer.from(bytes.subarray(0, at + 1))
      other[at] = 0x7f
      expect(() => assertProxySignature(other)).toThrow('no PROXY protocol header')
    }
    const one = Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.1 1 2\r\n')
    for (let length = 1; length < 6; length++) assertProxySignature(one.subarray(0, length))
    expect(() => assertProxySignature(one.subarray(0, 6))).toThrow('version 1')
    expect(() => assertProxySignature(one)).toThrow('version 1')
    expect(() => assertProxySignature(Buffer.from('POST /'))).toThrow('no PROXY protocol header')
  })
})

describe('crc32c', () => {
  it.each([
    ['the digits', Buffer.from('123456789'), 0xe3069283],
    ['32 zeros', Buffer.alloc(32), 0x8a9136aa],
    ['32 bytes of ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
  ])('is that of RFC 3720 for %s', (_name, bytes, sum) => {
    expect(crc32c(bytes)).toBe(sum)
  })
})
