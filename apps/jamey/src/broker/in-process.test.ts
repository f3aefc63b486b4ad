import {
  type Authority,
  createAuthority,
  type IssuedCertificate,
  issueClientCertificate,
  issueServerCertificate,
} from '@jamey/auth'
import { beforeAll, describe, expect, it } from 'vitest'
import { verifiedCertificate } from './in-process.js'

const DAY_MS = 86_400_000
const NONE = { ca: undefined, cert: undefined, key: undefined, passphrase: undefined, servername: undefined }

describe('the certificate of a part beside the broker', () => {
  let authority: Authority
  let own: IssuedCertificate

  beforeAll(async () => {
    authority = await createAuthority()
    own = await issueClientCertificate(authority, { commonName: 'jamey-memory' })
  })

  const verified = (
    { certPem, keyPem }: IssuedCertificate,
    authorities = [authority.certPem],
    atMs = Date.now(),
  ) => verifiedCertificate({ ...NONE, cert: certPem, key: keyPem }, authorities, atMs)

  it('is shown with its name and its bytes', () => {
    expect(verified(own)).toMatchObject({ commonName: 'jamey-memory', raw: expect.any(Uint8Array) })
  })

  it('is absent where there is none', () => {
    expect(verifiedCertificate(NONE, [authority.certPem], Date.now())).toBeUndefined()
  })

  it('is verified by any of the authorities of now, as while they are replaced', async () => {
    const next = await createAuthority()
    expect(verified(own, [`${next.certPem}\n${authority.certPem}`])).toMatchObject({
      commonName: 'jamey-memory',
    })
    expect(() => verified(own, [next.certPem])).toThrow('no authority of the broker vouches for it')
  })

  it('is of no use before and after its time', () => {
    expect(() => verified(own, undefined, Date.now() - 30 * DAY_MS)).toThrow('of no use')
    expect(() => verified(own, undefined, Date.now() + 400 * DAY_MS)).toThrow('it is good from')
  })

  it('is of no use with the key of another', async () => {
    const other = await issueClientCertificate(authority, { commonName: 'other' })
    expect(() => verified({ ...own, keyPem: other.keyPem })).toThrow('its private key is another one')
  })

  it('is of no use where it was issued for a server', async () => {
    const server = await issueServerCertificate(authority, { hosts: ['localhost'] })
    expect(() => verified(server)).toThrow('it is not for clients')
    expect(() => verified(server)).toThrow(
      expect.objectContaining({ code: 'client-certificate', retryable: true }),
    )
  })
})
