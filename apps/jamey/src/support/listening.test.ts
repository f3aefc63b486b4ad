import { describe, expect, it } from 'vitest'
import { httpPortFailure, listeningOf } from './listening.js'

describe('where `jamey up` listens', () => {
  it('is said by options, else by the environment, else by the defaults', () => {
    expect(listeningOf({}, {})).toEqual({
      host: '127.0.0.1',
      port: 8883,
      httpHost: '127.0.0.1',
      httpPort: 8080,
    })
    const env = {
      JAMEY_BROKER_PORT: '1',
      JAMEY_BROKER_HOST: 'b',
      JAMEY_HTTP_PORT: '2',
      JAMEY_HTTP_HOST: 'h',
    }
    expect(listeningOf({}, env)).toEqual({ host: 'b', port: 1, httpHost: 'h', httpPort: 2 })
    const options = { port: 3, httpPort: 4, host: 'o' }
    expect(listeningOf(options, env)).toEqual({ host: 'o', port: 3, httpHost: 'o', httpPort: 4 })
  })

  it('must be a port', () => {
    expect(() => listeningOf({}, { JAMEY_HTTP_PORT: '70000' })).toThrow(/JAMEY_HTTP_PORT is "70000"/)
  })
})

describe('a taken HTTP port', () => {
  it('is told with the setting that works there', () => {
    const error = Object.assign(new Error('HTTP port 1 on h is already in use: choose --http-port'), {
      code: 'port-in-use',
    })
    expect(httpPortFailure(error, 'JAMEY_HTTP_PORT')).toMatchObject({
      message: 'HTTP port 1 on h is taken by another process',
      hint: expect.stringMatching(/^choose another one with JAMEY_HTTP_PORT,/),
    })
    expect(httpPortFailure(error, 'jamey up --http-port')).toMatchObject({
      hint: 'choose another one with `jamey up --http-port 2`, or stop what listens there',
    })
    const other = new Error('broken')
    expect(httpPortFailure(other, '--http-port')).toBe(other)
  })
})
