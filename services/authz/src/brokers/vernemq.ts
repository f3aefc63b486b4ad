import { AUTHENTICATION_METHOD } from '@jamey/auth'
import type { Question } from '../decisions/question.js'
import { type Answer, cacheSecondsOf, type Endpoint } from './endpoint.js'
import { type Fields, MalformedRequest } from './fields.js'

const HOOKS = [
  'auth_on_register',
  'auth_on_register_m5',
  'auth_on_publish',
  'auth_on_publish_m5',
  'auth_on_subscribe',
  'auth_on_subscribe_m5',
  'on_auth_m5',
] as const

const REFUSAL: Answer = json({ result: { error: 'not_allowed' } })

/** The webhooks of VerneMQ 2, all at one path. */
export const VERNEMQ: Endpoint = {
  broker: 'vernemq',
  path: '/vernemq',
  form: 'json',
  nameOf: (hook) => HOOKS.find((known) => known === hook) ?? 'unknown',
  ask(fields, name): Question {
    const hook = HOOKS.find((known) => known === name)
    const asker = {
      broker: 'vernemq',
      scope: fields.text('mountpoint') ?? '',
      clientId: fields.filled('client_id'),
      username: fields.filled('username'),
    } as const
    switch (hook) {
      case 'auth_on_register':
      case 'auth_on_register_m5':
      case 'on_auth_m5':
        return { kind: 'connect', ...asker, ...proofIn(fields, hook === 'on_auth_m5') }
      case 'auth_on_publish':
      case 'auth_on_publish_m5':
        return { kind: 'publish', ...asker, topic: fields.required('topic') }
      case 'auth_on_subscribe':
      case 'auth_on_subscribe_m5':
        return { kind: 'subscribe', ...asker, filters: filtersIn(fields) }
      case undefined:
        throw new MalformedRequest('the header vernemq-hook names no hook that is known')
    }
  },
  answer(decision, hook, context) {
    if (!decision.isAllowed) return REFUSAL
    if (hook === 'on_auth_m5') {
      const properties = { p_authentication_method: AUTHENTICATION_METHOD }
      return json({ result: 'ok', modifiers: { reason_code: 0, properties } })
    }
    // A register that the broker answers by itself would not be known here, and its key has the token in it.
    const isRegister = hook?.startsWith('auth_on_register') ?? true
    return {
      ...json({ result: 'ok' }),
      cacheSeconds: isRegister ? 0 : cacheSecondsOf(decision.grant, context),
    }
  },
  refusal: REFUSAL,
}

/** A token comes as password or by the authentication method; without either, the user name is a certificate's. */
function proofIn(fields: Fields, isRenewal: boolean) {
  const properties = fields.inner('properties')
  const method = properties.filled('p_authentication_method')
  const data = properties.filled('p_authentication_data')
  if (method !== undefined && method !== AUTHENTICATION_METHOD) {
    throw new MalformedRequest('the authentication method is not known')
  }
  const isByMethod = method !== undefined
  const password = isRenewal ? undefined : fields.text('password')
  const token = isByMethod && data !== undefined ? Buffer.from(data, 'base64').toString('latin1') : password
  return {
    token,
    // An empty password, or an authentication without data, is a token that is missing and no certificate.
    certificateName: token === undefined && !isByMethod ? fields.filled('username') : undefined,
    address: fields.filled('peer_addr'),
    isByMethod,
  }
}

function filtersIn(fields: Fields): string[] {
  return fields.list('topics').map((each) => each.required('topic'))
}

function json(value: object): Answer {
  return { contentType: 'application/json', body: JSON.stringify(value) }
}
