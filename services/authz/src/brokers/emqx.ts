import type { Asker, Question } from '../decisions/question.js'
import type { Answer, Endpoint } from './endpoint.js'
import type { Fields } from './fields.js'

/** The client attribute in which EMQX carries what a connection may do. */
const GRANT = 'grant'

/** The HTTP authenticator (`password_based`, backend `http`) of EMQX 5. */
export const EMQX_AUTHENTICATE: Endpoint = {
  broker: 'emqx',
  path: '/emqx/authenticate',
  form: 'json',
  nameOf: () => 'authenticate',
  ask: (fields): Question => ({
    kind: 'connect',
    ...askerOf(fields),
    username: fields.filled('username'),
    token: fields.filled('password'),
    certificateName: fields.filled('cn'),
    address: fields.filled('peerhost'),
    isByMethod: false,
  }),
  answer(decision, _hook, { sealed }) {
    if (!decision.isAllowed) return result('deny')
    const { clientId, expiresAtMs } = decision.grant
    return json({
      result: 'allow',
      is_superuser: false,
      client_attrs: { sub: clientId, [GRANT]: sealed(decision.grant) },
      // EMQX ends the connection then. Seconds since 1970.
      ...(expiresAtMs === undefined ? {} : { expire_at: Math.floor(expiresAtMs / 1000) }),
    })
  },
  refusal: result('deny'),
}

/** The authorization source of type `http` of EMQX 5. */
export const EMQX_AUTHORIZE: Endpoint = {
  broker: 'emqx',
  path: '/emqx/authorize',
  form: 'json',
  nameOf: () => 'authorize',
  ask(fields): Question {
    const sealedGrant = fields.filled(GRANT)
    const asker = {
      ...askerOf(fields),
      username: fields.filled('username'),
      // EMQX writes so what it has no value for; the table knows the connection then.
      ...(sealedGrant === undefined || sealedGrant === 'undefined' ? {} : { sealedGrant }),
    }
    const topic = fields.required('topic')
    return fields.oneOf('action', ['publish', 'subscribe']) === 'publish'
      ? { kind: 'publish', ...asker, topic }
      : { kind: 'subscribe', ...asker, filters: [topic] }
  },
  answer: (decision) => result(decision.isAllowed ? 'allow' : 'deny'),
  refusal: result('deny'),
}

function askerOf(fields: Fields): Omit<Asker, 'username'> {
  return { broker: 'emqx', scope: '', clientId: fields.filled('clientid') }
}

function result(word: 'allow' | 'deny'): Answer {
  return json({ result: word })
}

function json(value: object): Answer {
  return { contentType: 'application/json', body: JSON.stringify(value) }
}
