import type { Asker, Question } from '../decisions/question.js'
import type { Answer, Endpoint } from './endpoint.js'
import { type Fields, MalformedRequest } from './fields.js'
import { filterOf, isQueueOf, isTellable, topicOf } from './rabbitmq-topics.js'

/** The exchange through which everything of MQTT goes. */
const EXCHANGE = 'amq.topic'
const ALLOW: Answer = text('allow')
const DENY: Answer = text('deny')

/** The paths of `rabbitmq_auth_backend_http`, for clients of MQTT in one virtual host. */
export function rabbitMqEndpoints(virtualHost: string): readonly Endpoint[] {
  const endpoint = (name: string, ask: (fields: Fields) => Question): Endpoint => ({
    broker: 'rabbitmq',
    path: `/rabbitmq/${name}`,
    form: 'urlencoded',
    nameOf: () => name,
    ask(fields) {
      const host = fields.text('vhost')
      if (host !== undefined && host !== virtualHost)
        throw new MalformedRequest('the virtual host is another')
      return ask(fields)
    },
    answer: (decision) => (decision.isAllowed ? ALLOW : DENY),
    refusal: DENY,
  })
  return [
    endpoint('user', userQuestion),
    endpoint('vhost', (fields) => ({ kind: 'presence', ...askerOf(fields, 'client_id') })),
    endpoint('resource', resourceQuestion),
    endpoint('topic', topicQuestion),
  ]
}

/** A name without a password is that of a certificate: RabbitMQ refuses a client that sends a user name alone. */
function userQuestion(fields: Fields): Question {
  const username = fields.required('username')
  const token = fields.text('password')
  // RabbitMQ does not tell the identifier of one that a certificate names; it is compared when it asks next.
  const clientId = fields.filled('client_id') ?? (token === undefined ? username : undefined)
  return {
    kind: 'connect',
    broker: 'rabbitmq',
    scope: '',
    clientId: tellable(clientId),
    username,
    token,
    certificateName: token === undefined ? username : undefined,
    address: undefined,
    isByMethod: false,
  }
}

function resourceQuestion(fields: Fields): Question {
  const asker = askerOf(fields, 'client_id')
  const permission = fields.oneOf('permission', ['configure', 'write', 'read'])
  const name = fields.required('name')
  const kind = fields.oneOf('resource', ['exchange', 'queue'])
  const isOwn =
    kind === 'queue' ? isQueueOf(name, asker.clientId ?? '') : name === EXCHANGE && permission !== 'configure'
  if (!isOwn) throw new MalformedRequest(`${kind} and ${permission} are nothing that a client of MQTT needs`)
  return { kind: 'presence', ...asker }
}

function topicQuestion(fields: Fields): Question {
  const asker = askerOf(fields, 'variable_map.client_id')
  const permission = fields.oneOf('permission', ['write', 'read'])
  if (fields.required('name') !== EXCHANGE || fields.required('resource') !== 'topic') {
    throw new MalformedRequest('the exchange is another')
  }
  const key = fields.required('routing_key')
  return permission === 'write'
    ? { kind: 'publish', ...asker, topic: topicOf(key) }
    : { kind: 'subscribe', ...asker, filters: [filterOf(key)] }
}

function askerOf(fields: Fields, field: string): Asker {
  return {
    broker: 'rabbitmq',
    scope: '',
    clientId: tellable(fields.filled(field)),
    username: fields.required('username'),
  }
}

/** The identifier, or undefined for one that is none here, which is refused. */
function tellable(clientId: string | undefined): string | undefined {
  return clientId !== undefined && isTellable(clientId) ? clientId : undefined
}

function text(word: 'allow' | 'deny'): Answer {
  return { contentType: 'text/plain', body: word }
}
