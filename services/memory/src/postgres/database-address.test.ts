import { describe, expect, it } from 'vitest'
import { readDatabaseUrl, shownAddress } from './database-address.js'

const PASSWORD = 'p:@/ss word'
const FULL = `postgres://ana:${encodeURIComponent(PASSWORD)}@db.example.org:6543/memories`

describe('the URL of a database', () => {
  it('names host, port, database, user and password', () => {
    expect(readDatabaseUrl(FULL)).toMatchObject({
      host: 'db.example.org',
      port: 6543,
      database: 'memories',
      user: 'ana',
      password: PASSWORD,
    })
  })

  it.each([
    ['postgres://h.example.org/m', 'verify-full'],
    ['postgresql://10.0.0.7/m', 'verify-full'],
    ['postgres://localhost.example.org/m', 'verify-full'],
    ['postgres://localhost/m', 'disable'],
    ['postgres://127.8.0.1/m', 'disable'],
    ['postgres://[::1]/m', 'disable'],
    ['postgres://[::ffff:127.0.0.1]/m', 'disable'],
    ['postgres://LOCALHOST/m', 'disable'],
    ['postgres://127.8.0.999/m', 'verify-full'],
    ['postgres:///m?host=/run/postgresql', 'disable'],
    ['postgres://%2Frun%2Fpostgresql/m?sslmode=verify-full', 'disable'],
    ['postgres://localhost/m?sslmode=verify-full', 'verify-full'],
    ['postgres://h.example.org/m?sslmode=require', 'require'],
    ['postgres://h.example.org/m?sslmode=verify-ca', 'verify-ca'],
    ['postgres://h.example.org/m?sslmode=disable', 'disable'],
  ])('%s means sslmode %s', (url, sslMode) => {
    expect(readDatabaseUrl(url)).toMatchObject({ sslMode })
  })

  it.each([
    ['mysql://h/m', 'a URL such as'],
    ['postgres://h', 'the name of one'],
    ['postgres://h/a/b', 'the name of one'],
    ['postgres://h.example.org/m?sslmode=prefer', 'one of disable, require'],
    ['postgres://h.example.org/m?sslmode=allow', 'one of disable, require'],
    ['postgres://h/m?target_session_attrs=any', 'one of host, sslmode'],
    ['postgres://h/m?sslcert=a.pem', 'both, or neither'],
    ['postgres://u:100%@h/m', '%25'],
  ])('%s is refused, and what was expected is told', (url, expected) => {
    expect(readDatabaseUrl(url)).toMatchObject({ expected: expect.stringContaining(expected) })
  })

  it('is shown without user and password', () => {
    const address = readDatabaseUrl(FULL)
    if ('found' in address) throw new TypeError(address.found)
    expect(shownAddress(address)).toBe('memories at db.example.org:6543')
  })

  it('is not repeated where it cannot be used', () => {
    const faults = [`https://ana:${PASSWORD}@h/m`, `${FULL}?sslmode=prefer`, `${FULL}/b`].map(readDatabaseUrl)
    expect(JSON.stringify(faults)).not.toContain(PASSWORD)
    expect(JSON.stringify(faults)).not.toContain(encodeURIComponent(PASSWORD))
  })
})
