import { resolve } from 'node:path'
import { createAuthority, issueServerCertificate, signToken, tokenAuthenticator } from '@jamey/auth'
import { type Broker, createBroker } from '@jamey/broker'
import type { ConnectOptions } from '@jamey/mqtt'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bundle } from './bundle.js'
import { Chromium, programOf, servePage } from './chromium.js'

/** The client in a real browser, with our broker. */

const SECRET = 'a secret of the browser test, long enough'
let chromium: Chromium
let site: Awaited<ReturnType<typeof servePage>>
let stranger: Awaited<ReturnType<typeof servePage>>
let tls: { cert: string; key: string }
let broker: Broker
let url: string
let page: Page

async function startBroker(port: number): Promise<Broker> {
  const started = await createBroker({
    listeners: [{ host: '127.0.0.1', port, tls, webSocket: { origins: [site.origin] } }],
    authenticator: tokenAuthenticator({ secret: SECRET }),
  })
  await started.listen()
  return started
}

async function options(more: ConnectOptions = {}): Promise<ConnectOptions> {
  const clientId = 'page'
  const password = await signToken({ sub: clientId, permissions: ['page/#'] }, SECRET)
  return { url, clientId, credentials: { username: clientId, password }, ...more }
}

beforeAll(async () => {
  const authority = await createAuthority()
  const issued = await issueServerCertificate(authority, { hosts: ['127.0.0.1'] })
  tls = { cert: issued.certPem, key: issued.keyPem }
  const { code } = await bundle(resolve(import.meta.dirname, 'page.ts'))
  site = await servePage(code)
  stranger = await servePage(code)
  broker = await startBroker(0)
  url = `wss://127.0.0.1:${broker.addresses[0]?.port}`
  chromium = await Chromium.start(issued.certPem)
})

afterAll(async () => {
  await chromium?.stop()
  await broker?.close()
  await Promise.all([site?.close(), stranger?.close()])
})

beforeEach(async () => {
  page = await chromium.newPage()
  await page.goto(site.origin)
  await page.waitForFunction('globalThis.program !== undefined')
  return () => page.close()
})

describe('the client in Chromium', () => {
  it('has nothing of Node around it', async () => {
    expect(await programOf(page).foreignNames()).toEqual([])
  })

  it('connects with a token over wss, and gets back what it publishes with QoS 0, 1 and 2', async () => {
    const program = programOf(page)
    expect(await program.open(await options())).toEqual({ clientId: 'page' })
    expect(await program.listen('page/#', 2)).toBe(2)
    for (const qos of [0, 1, 2] as const) {
      expect(await program.publish(`page/${qos}`, `grüße ${qos} 🦉`, qos)).toBe(0)
    }
    const seen: string[] = []
    const all = async (): Promise<string[]> => {
      seen.push(...(await program.received()))
      return seen
    }
    await expect.poll(all).toEqual(['page/0=grüße 0 🦉 q0', 'page/1=grüße 1 🦉 q1', 'page/2=grüße 2 🦉 q2'])
    expect(await program.close()).toEqual({ unacknowledgedMessages: 0, runningHandlers: 0 })
    await expect.poll(() => broker.stats().connections).toBe(0)
  })

  it('waits for the network where it publishes more than that takes at once', async () => {
    const program = programOf(page)
    await program.open(await options())
    await program.listen('page/large', 1)
    expect(await program.flood('page/large', 200_000, 100)).toBe(100)
    let count = 0
    const received = async (): Promise<number> => {
      count += (await program.received()).filter((text) => text === 'page/large=200000 bytes q1').length
      return count
    }
    await expect.poll(received).toBe(100)
    await program.close()
  })

  it('comes back with its subscriptions when the broker does', async () => {
    const program = programOf(page)
    await program.open(await options({ reconnect: { baseDelayMs: 50, maxDelayMs: 100 } }))
    await program.listen('page/again', 1)
    const { port } = broker.addresses[0] as { port: number }
    await broker.close({ graceMs: 200 })
    await expect.poll(() => program.state()).not.toBe('connected')
    broker = await startBroker(port)
    await expect.poll(() => program.state()).toBe('connected')
    expect(await program.publish('page/again', 'here', 1)).toBe(0)
    await expect.poll(() => program.received()).toEqual(['page/again=here q1'])
    await program.close()
  })
})

describe('the client in Chromium is told why it cannot connect', () => {
  it('with a token of another secret', async () => {
    const password = await signToken({ sub: 'page', permissions: [] }, `${SECRET}, but another`)
    const refused = await options({ credentials: { username: 'page', password } })
    expect(await programOf(page).refusal(refused)).toMatch(/^AuthenticationError /)
  })

  it('over TCP', async () => {
    const tcp = await options({ url: 'mqtts://127.0.0.1:8883' })
    expect(await programOf(page).refusal(tcp)).toBe('ConnectionError invalid-argument')
  })

  it('from a page of another origin', async () => {
    await page.goto(stranger.origin)
    await page.waitForFunction('globalThis.program !== undefined')
    expect(await programOf(page).refusal(await options())).toBe('ConnectionError unreachable')
  })

  it('to a server whose certificate nobody vouches for', async () => {
    const authority = await createAuthority()
    const issued = await issueServerCertificate(authority, { hosts: ['127.0.0.1'] })
    const other = await createBroker({
      listeners: [
        {
          host: '127.0.0.1',
          port: 0,
          tls: { cert: issued.certPem, key: issued.keyPem },
          webSocket: { origins: '*' },
        },
      ],
      authenticator: tokenAuthenticator({ secret: SECRET }),
    })
    await other.listen()
    const untrusted = await options({ url: `wss://127.0.0.1:${other.addresses[0]?.port}` })
    expect(await programOf(page).refusal(untrusted)).toBe('ConnectionError unreachable')
    expect(other.stats().connectionsAccepted).toBe(0)
    await other.close()
  })
})
