import type { Finding } from './finding.js'
import type { Answer, Denial, ServerFacts } from './server-facts.js'

/** A finding for each fact, and in the last one the variables that save finding it out at each start. */
export function findingsOf(facts: ServerFacts): Finding[] {
  const { session } = facts
  return [
    told('version', `MQTT ${facts.protocolVersion === 5 ? '5.0' : '3.1.1'}`),
    told('authentication method JWT', METHOD[facts.takesMethod]),
    told('largest packet', sizeOf(facts)),
    told('nobody subscribes (0x10)', NOBODY[facts.saysNobodySubscribes]),
    told('shared subscriptions', SHARES[facts.shares]),
    told('retained messages', `${SAYS[facts.retains]}; for wildcards: ${SAYS[facts.retainsForWildcards]}`),
    told(
      'session of the connection before',
      `${SAYS[session.isPresent]}; its subscriptions: ${SAYS[session.subscription]}; its share: ${SAYS[session.share]}`,
    ),
    denied('denied PUBLISH', facts.deniedPublish),
    denied('denied SUBSCRIBE', facts.deniedSubscribe),
    groupOf(facts),
    told('end of a token', EXPIRY[facts.endsWithToken]),
    told('settings', settingsOf(facts).join(' ') || 'the defaults are right'),
  ]
}

/** The settings as they stand in a `.env`. */
export function settingsOf(facts: ServerFacts): string[] {
  const isOld = facts.protocolVersion === 4
  const method =
    facts.takesMethod === 'yes' ? 'JWT' : facts.takesMethod === 'no' && !isOld ? 'none' : undefined
  const sharing = sharingOf(facts)
  return [
    ...(isOld ? ['MQTT_PROTOCOL_VERSION=4'] : ['MQTT_PROTOCOL_VERSION=5']),
    ...(method === undefined ? [] : [`MQTT_AUTH_METHOD=${method}`]),
    ...(sharing === undefined ? [] : [`MQTT_SHARED_SUBSCRIPTIONS=${sharing}`]),
  ]
}

/** A group that anybody gets into loses what falls to him, and no service can tell. */
function sharingOf({ shares, deniedGroup }: ServerFacts): boolean | undefined {
  if (shares === 'no') return false
  if (shares === 'yes' && isOpen(deniedGroup)) return false
  return shares === 'yes' ? true : undefined
}

const isOpen = (denial: Denial): boolean => denial === 'ignored' || denial === 'carried-out'

function groupOf({ shares, deniedGroup }: ServerFacts): Finding {
  const check = 'denied share group'
  if (shares !== 'yes') return told(check, 'nothing is shared')
  if (!isOpen(deniedGroup)) return denied(check, deniedGroup)
  const message = 'granted: whoever may connect can take requests away from a group'
  const hint = 'MQTT_SHARED_SUBSCRIPTIONS=false in the services, and one instance of each'
  return { check, status: 'warning', message, hint }
}

function denied(check: string, denial: Denial): Finding {
  if (denial !== 'carried-out') return told(check, DENIALS[denial])
  const hint = 'give the server rules (`jamey broker-config`): so everybody may do everything there'
  return {
    check,
    status: 'failed',
    message: 'is carried out: the server does not know our permissions',
    hint,
  }
}

function told(check: string, message: string): Finding {
  return { check, status: 'ok', message }
}

function sizeOf({ maximumPacketBytes }: ServerFacts): string {
  return maximumPacketBytes === undefined ? 'no bound is named' : `${maximumPacketBytes} bytes`
}

const SAYS: Readonly<Record<Answer, string>> = {
  yes: 'yes',
  no: 'no',
  'not-permitted': 'this client may not try',
  unknown: 'not known',
}
const METHOD: Readonly<Record<Answer, string>> = {
  ...SAYS,
  yes: 'taken: tokens are renewed within the connection',
  no: 'not known there: each renewal takes a new connection',
  unknown: 'not tried, for this client shows no token',
}
const NOBODY: Readonly<Record<Answer, string>> = {
  ...SAYS,
  yes: 'said at once',
  no: 'not said: a request that nobody serves waits for its deadline',
}
const SHARES: Readonly<Record<Answer, string>> = {
  ...SAYS,
  yes: 'yes: several instances of a service share its requests',
  no: 'no: run one instance of each service, for each would get every request',
}
const EXPIRY: Readonly<Record<Answer, string>> = {
  ...SAYS,
  yes: 'ends the connection',
  no: 'changes nothing for a connection that is there',
  unknown: 'not tried: that takes the token secret (MQTT_JWT_SECRET, MQTT_JWT_SECRET_FILE)',
}
const DENIALS: Readonly<Record<Exclude<Denial, 'carried-out'>, string>> = {
  refused: 'refused, and the client is told',
  'connection-closed': 'ends the connection',
  ignored: 'acknowledged, and nothing comes of it',
  'not-tried': 'not tried: this client may do everything',
}
