import { Permissions } from '@jamey/auth'
import { isTopicFilter, isTopicName, splitShared } from '@jamey/protocol'
import { FakeClock, PERMISSION_CASES, type PermissionCase } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { PermissionError } from '../support/errors.js'
import { FakeBroker } from '../test-support/fake-broker.js'
import { MqttBus } from './mqtt-bus.js'

const schema = z.object({})

/** A bus with the permissions of a case, and what else it needs to be asked about them. */
function busOf({ clientId, permissions }: PermissionCase, more: readonly string[] = []) {
  const broker = new FakeBroker()
  const list = [...permissions, ...more]
  const config = { url: 'mqtt://fake', clientId, permissions: list, clock: new FakeClock() }
  const bus = new MqttBus(config, new Permissions(list, { clientId }), broker.connect(clientId))
  return { bus, broker }
}

function contractOf(topic: string) {
  return { topic, action: 'do', qos: 1, retain: false, schema, description: 'Of the table.' } as const
}

/** `{name}` in the topic of a contract is a parameter, so what has braces cannot be said with one. */
const isSayable = ({ topic }: PermissionCase): boolean => !topic.includes('{')

function of(action: PermissionCase['action'], isFitting: (topic: string) => boolean): PermissionCase[] {
  return PERMISSION_CASES.filter((each) => each.action === action && isFitting(each.topic) && isSayable(each))
}

/** What the bus says: nothing, or the permission that is missing. */
async function outcomeOf(
  work: () => Promise<unknown>,
): Promise<{ isAllowed: boolean; permission?: unknown }> {
  try {
    await work()
    return { isAllowed: true }
  } catch (error) {
    if (!(error instanceof PermissionError)) throw error
    return { isAllowed: false, permission: error.permission }
  }
}

function expectedOf({ clientId, permissions, action, topic, isAllowed }: PermissionCase) {
  if (isAllowed) return { isAllowed }
  return {
    isAllowed,
    permission: new Permissions(permissions, { clientId }).decide(action, topic).permission,
  }
}

describe('the bus does as the table says before anything is sent', () => {
  it.each(of('publish', isTopicName))('publish: $name [promise 24]', async (each) => {
    const { bus, broker } = busOf(each)
    // So that it is published there and nowhere else.
    broker.stamped = [each.topic]
    const outcome = await outcomeOf(() => bus.publish(contractOf(each.topic), {}))
    expect(outcome).toEqual(expectedOf(each))
    expect(broker.sent.length > 0).toBe(each.isAllowed)
  })

  // Every subscription of the bus ends with a number sign: what is below a topic tells the sender.
  const wide = of('subscribe', (topic) => isTopicFilter(topic) && splitShared(topic).filter.endsWith('/#'))
  it.each(wide)('subscribe: $name [promise 24]', async (each) => {
    const { bus, broker } = busOf(each)
    const { group, filter } = splitShared(each.topic)
    const options = group === undefined ? {} : { group }
    const outcome = await outcomeOf(() => bus.subscribe(contractOf(filter.slice(0, -2)), options, () => {}))
    expect(outcome).toEqual(expectedOf(each))
    expect(broker.filters).toEqual(each.isAllowed ? [each.topic] : [])
  })

  const served = wide.filter(({ topic }) => splitShared(topic).group !== undefined)
  it.each(served)('serve: $name [promise 24]', async (each) => {
    const { bus, broker } = busOf(each, ['publish:jamey/api/responses/+/s/#'])
    const { group = '', filter } = splitShared(each.topic)
    const contract = { ...contractOf(filter.slice(0, -2)), responseSchema: schema, service: 's' }
    const outcome = await outcomeOf(() => bus.serve(contract, { group }, () => ({})))
    expect(outcome).toEqual(expectedOf(each))
    expect(broker.filters).toEqual(each.isAllowed ? [each.topic] : [])
    await bus.close({ drain: false })
  })
})
