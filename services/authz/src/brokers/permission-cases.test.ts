import { isTopicFilter, matches, splitShared } from '@jamey/protocol'
import { PERMISSION_CASES, type PermissionCase } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { recorded, startTested, type Tested } from '../service/authz.support.js'

type Ask = (at: Tested, one: PermissionCase, token: string) => Promise<boolean>

const isAllow = (answer: unknown): boolean => JSON.stringify(answer) === '{"result":"allow"}'
const isOk = (answer: unknown): boolean => JSON.stringify(answer) === '{"result":"ok"}'

const emqx: Ask = async (at, { clientId, action, topic }, token) => {
  const connected = await at.ask('/emqx/authenticate', recorded.emqxAuthenticate(clientId, token))
  const { client_attrs } = connected as { client_attrs: object }
  const asked = recorded.emqxAuthorize(clientId, action === 'publish' ? 'publish' : 'subscribe', topic)
  return isAllow(await at.ask('/emqx/authorize', { ...asked, ...client_attrs }))
}

const verneMq: Ask = async (at, { clientId, action, topic }, token) => {
  await at.ask('/vernemq', recorded.register(clientId, token), { hook: 'auth_on_register' })
  const asked =
    action === 'publish' ? recorded.publish(clientId, topic) : recorded.subscribe(clientId, [topic])
  return isOk(await at.ask('/vernemq', asked, { hook: `auth_on_${action}` }))
}

const rabbitMq: Ask = async (at, { clientId, action, topic }, token) => {
  await at.askForm('/rabbitmq/user', recorded.rabbitUser(clientId, token))
  const key = topic.split('/').map((level) => (action === 'subscribe' && level === '+' ? '*' : level))
  const asked = recorded.rabbitTopic(clientId, action === 'publish' ? 'write' : 'read', key.join('.'))
  return (await at.askForm('/rabbitmq/topic', asked)) === 'allow'
}

const cases = PERMISSION_CASES.filter(({ action }) => action === 'publish' || action === 'subscribe')

/** What RabbitMQ has no name for, and what a form cannot carry. */
const isTellable = ({ clientId, topic }: PermissionCase): boolean =>
  !/[.*]/.test(clientId + topic) && topic.isWellFormed()

/** Our own broker leaves the answers to others out when it delivers; these deliver them, and so are not asked to. */
function bringsAnswersToOthers({ action, clientId, topic }: PermissionCase): boolean {
  if (action !== 'subscribe' || !isTopicFilter(topic)) return false
  const { filter } = splitShared(topic)
  const inbox = clientId === 'somebody' ? 'anybody' : 'somebody'
  return ['', '/memory', '/memory/7', '/a/b/c', '/x'].some((end) =>
    matches(filter, `jamey/api/responses/${inbox}${end}`),
  )
}

describe.each([
  ['EMQX', emqx, cases],
  ['VerneMQ', verneMq, cases],
  ['RabbitMQ', rabbitMq, cases.filter(isTellable)],
] as const)('%s', (_, ask, told) => {
  it('is told what the permissions say, case by case [promise 23]', async () => {
    const at = await startTested()
    const wrong: string[] = []
    for (const one of told) {
      const token = await at.token(one.clientId, one.permissions)
      const expected = one.isAllowed && !bringsAnswersToOthers(one)
      if ((await ask(at, one, token)) !== expected) wrong.push(one.name)
    }
    expect(wrong).toEqual([])
    expect(told.length).toBeGreaterThan(200)
    expect(told.filter((one) => one.isAllowed && bringsAnswersToOthers(one)).length).toBeGreaterThan(5)
  })
})
