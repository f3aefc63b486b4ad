import { expect, it, onTestFinished } from 'vitest'
import { bearer, openStream, startLive } from './live.support.js'

it('a stream outlives the connection of the gateway, tells of it, and has what is retained afresh', async () => {
  const live = await startLive()
  onTestFinished(() => live.stop())
  const client = await live.client('lamp-1')
  await client.publish('home/lamp', 'on', { qos: 1, retain: true })
  const headers = await bearer('eva', ['home/#'])
  const streams = await Promise.all([1, 2].map(() => openStream(live.url, ['home/#'], headers)))
  await expect.poll(() => streams.every(({ topics }) => topics.length === 1)).toBe(true)

  expect(live.broker.disconnect('jamey-gateway')).toBe(true)
  for (const one of streams) {
    await expect.poll(() => one.of('state').at(-1)).toEqual({ state: 'connected' })
    expect(one.of('state')[0]).toEqual({ state: 'reconnecting' })
    await expect.poll(() => one.topics.length).toBeGreaterThan(1)
    expect(one.of('message').at(-1)).toMatchObject({ payload_text: 'on', retain: true })
  }
  await client.publish('home/lamp', 'off', { qos: 1 })
  for (const one of streams) {
    await expect.poll(() => one.of('message').at(-1)).toMatchObject({ payload_text: 'off', retain: false })
    expect(one.isOver).toBe(false)
  }
})

it('while the broker is away nothing new is opened or sent, and what is open waits', async () => {
  const live = await startLive()
  onTestFinished(() => live.stop())
  const headers = await bearer('eva', ['#'])
  const stream = await openStream(live.url, ['home/#'], headers)
  await live.broker.close({ graceMs: 100 })
  await expect.poll(() => stream.of('state').at(-1)).toEqual({ state: 'reconnecting' })
  await expect(openStream(live.url, ['home/#'], headers)).rejects.toMatchObject({ status: 503 })
  const answer = await fetch(`${live.url}/v1/messages/home/lamp`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: '{"payload":1}',
  })
  expect(answer.status).toBe(503)
  expect(stream.isOver).toBe(false)
})
