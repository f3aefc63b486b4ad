import { describe, expect, it } from 'vitest'
import { BROKERS } from './catalogue.js'
import { faultsOf, playOn, SCENES, SHORT } from './suite.js'

/** The short form of `npm run test:brokers`: what each broker does is what is known of it. */

const NAMES = ['mosquitto', 'mosquitto-shared', 'rabbitmq', 'nats']
/** An end of RabbitMQ or NATS in order takes long, and differs little from `kill -9`. */
const LEFT_OUT: Readonly<Record<string, readonly string[]>> = {
  // A probe with a token waits for its end.
  mosquitto: ['probe', 'restart'],
  'mosquitto-shared': SCENES.map(({ key }) => key).filter((key) => !['load', 'restart'].includes(key)),
  // RabbitMQ takes seconds to end a connection.
  rabbitmq: ['restart', 'denied-publish', 'denied-wildcard', 'probe'],
  nats: ['restart'],
}

describe('a whole system', () => {
  it.each(NAMES)('with %s does all that it does with any, and what is denied stays so', async (name) => {
    const entry = BROKERS[name]
    if (entry?.isInstalled() !== true) throw new Error(`${name} is not installed`)
    const only = SCENES.map(({ key }) => key).filter((key) => !LEFT_OUT[name]?.includes(key))
    const result = await playOn(await entry.make(), { extent: SHORT, only, say: () => {} })
    expect(faultsOf(result)).toEqual([])
    expect(Object.keys(result.cells)).toEqual(only)
  })
})
