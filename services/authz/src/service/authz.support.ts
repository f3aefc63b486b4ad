import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { signToken, type TokenContent } from '@jamey/auth'
import { onTestFinished } from 'vitest'
import { type AuthzOptions, startAuthz } from './authz.js'

export const BROKER_SECRET = 'what-brokers-show-of-themselves-here'
export const TOKEN_SECRET = 'a secret that tokens are signed with, of 32 bytes'

export interface AskOptions {
  readonly hook?: string
  /** '' for none. */
  readonly authorization?: string
  readonly headers?: Readonly<Record<string, string>>
}

interface Reply {
  readonly status: number
  readonly text: string
  readonly cacheControl: string | null
}

/** A service on loopback with a clock that stands still, and what brokers send it. */
export async function startTested(options: Partial<AuthzOptions> = {}) {
  const clock = { nowMs: Date.UTC(2026, 5, 1) }
  const now = () => clock.nowMs
  const authz = await startAuthz({
    secrets: [BROKER_SECRET],
    tokens: { secret: TOKEN_SECRET },
    port: 0,
    now,
    ...options,
  })
  // Faster by far than fetch.
  const agent = new Agent({ keepAlive: true })
  onTestFinished(async () => {
    agent.destroy()
    await authz.stop()
  })

  async function send(path: string, body: string | Uint8Array, options: AskOptions & { type: string }) {
    const { hook, authorization = `Bearer ${BROKER_SECRET}`, headers, type } = options
    const asked = request(`${authz.url}${path}`, {
      method: 'POST',
      agent,
      headers: {
        'content-type': type,
        ...(authorization === '' ? {} : { authorization }),
        ...(hook === undefined ? {} : { 'vernemq-hook': hook }),
        ...headers,
      },
    })
    asked.end(body)
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    const reply: Reply = {
      status: response.statusCode ?? 0,
      text: await text(response),
      cacheControl: response.headers['cache-control'] ?? null,
    }
    return reply
  }

  return {
    authz,
    clock,
    now,
    send,
    token: (sub: string, permissions: readonly string[], more: Partial<TokenContent> = {}) =>
      signToken({ sub, permissions, now, ...more }, TOKEN_SECRET),
    /** The answer to a broker that speaks JSON. */
    async ask(path: string, body: object, options: AskOptions = {}): Promise<unknown> {
      const reply = await send(path, JSON.stringify(body), { ...options, type: 'application/json' })
      return JSON.parse(reply.text)
    },
    /** The answer to RabbitMQ. */
    async askForm(path: string, fields: Readonly<Record<string, string>>): Promise<string> {
      const type = 'application/x-www-form-urlencoded'
      return (await send(path, String(new URLSearchParams(fields)), { type })).text
    },
    async metrics(): Promise<string> {
      return (await fetch(`${authz.url}/metrics`)).text()
    },
  }
}

export type Tested = Awaited<ReturnType<typeof startTested>>

/** Requests as they were recorded from the brokers themselves, with the names of a test. */
export const recorded = {
  emqxAuthenticate: (clientId: string, password: string) => ({
    username: clientId,
    peerhost: '127.0.0.1',
    password,
    cn: '',
    clientid: clientId,
  }),
  emqxAuthorize: (clientId: string, action: 'publish' | 'subscribe', topic: string) => ({
    username: clientId,
    topic,
    sub: clientId,
    retain: 'false',
    qos: '1',
    peerhost: '127.0.0.1',
    clientid: clientId,
    action,
  }),
  register: (clientId: string, password: string | null) => ({
    peer_addr: '127.0.0.1',
    peer_port: 54_321,
    mountpoint: '',
    client_id: clientId,
    username: clientId,
    password,
    clean_session: true,
  }),
  registerM5: (clientId: string, password: string | null, properties: object = {}) => ({
    peer_addr: '127.0.0.1',
    peer_port: 54_321,
    mountpoint: '',
    client_id: clientId,
    username: clientId,
    password,
    clean_start: true,
    properties,
  }),
  publish: (clientId: string, topic: string) => ({
    username: clientId,
    mountpoint: '',
    client_id: clientId,
    qos: 1,
    topic,
    payload: 'eyJhIjoxfQ==',
    retain: false,
  }),
  subscribe: (clientId: string, topics: readonly string[]) => ({
    username: clientId,
    mountpoint: '',
    client_id: clientId,
    topics: topics.map((topic) => ({ topic, qos: 1 })),
  }),
  subscribeM5: (clientId: string, topics: readonly string[]) => ({
    username: clientId,
    mountpoint: '',
    client_id: clientId,
    topics: topics.map((topic) => ({
      topic,
      qos: 1,
      no_local: false,
      rap: false,
      retain_handling: 'send_retain',
    })),
    properties: {},
  }),
  authM5: (clientId: string, token: string) => ({
    username: clientId,
    mountpoint: '',
    client_id: clientId,
    properties: {
      p_authentication_method: 'JWT',
      p_authentication_data: Buffer.from(token).toString('base64'),
    },
  }),
  rabbitUser: (clientId: string, password: string) => ({
    username: clientId,
    password,
    vhost: '/',
    client_id: clientId,
  }),
  rabbitVhost: (clientId: string) => ({
    username: clientId,
    vhost: '/',
    ip: '127.0.0.1',
    tags: '',
    client_id: clientId,
  }),
  rabbitResource: (clientId: string, resource: string, name: string, permission: string) => ({
    username: clientId,
    vhost: '/',
    resource,
    name,
    permission,
    tags: '',
    client_id: clientId,
  }),
  rabbitTopic: (clientId: string, permission: 'write' | 'read', key: string) => ({
    username: clientId,
    vhost: '/',
    resource: 'topic',
    name: 'amq.topic',
    permission,
    tags: '',
    routing_key: key,
    'variable_map.client_id': clientId,
    'variable_map.username': clientId,
    'variable_map.vhost': '/',
  }),
}
