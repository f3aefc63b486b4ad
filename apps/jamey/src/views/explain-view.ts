import type { ClientDetails, PermittedClient, TopicExplanation } from '@jamey/contracts'
import { formatAge, plural } from '../support/quantities.js'
import { printable, wrap } from '../terminal/terminal.js'
import type { View } from '../terminal/view.js'
import { amountOfBytes, duration } from './amounts.js'

/** Entries of a list that a person reads; JSON has more. */
const SHOWN = 20
/** Names on one line. */
const SHOWN_NAMES = 8

type Subscriber = TopicExplanation['subscribers'][number]

/** A topic for people: who may, who does, what waits, what was dropped. */
export function formatTopic(topic: TopicExplanation, view: View): string[] {
  const { contract, retained, subscribers, dropped } = topic
  const { colors } = view
  const lines = [`${colors.bold(oneLine(topic.topic))}${contract === undefined ? '' : contractOf(contract)}`]
  lines.push(...section('may publish', permittedLines(topic.may_publish), view, 'nobody that is known'))
  lines.push(...section('may subscribe', permittedLines(topic.may_subscribe), view, 'nobody that is known'))
  lines.push(
    ...section('has subscribed', subscribers.map(subscriberLine), view, 'nobody: what is published is lost'),
  )
  const kept = retained === undefined ? [] : [retainedLine(retained)]
  lines.push(...section('retained', kept, view, 'nothing'))
  lines.push(...section('dropped', dropLines(dropped), view, 'nothing, as far as is known'))
  if (!topic.is_complete) lines.push('', colors.dim('there is more than the broker tells'))
  return lines
}

/** A client for people: where it is, what it may and does, what waits for it, what it missed. */
export function formatClient(client: ClientDetails, view: View): string[] {
  const { colors } = view
  const { permissions, subscriptions } = client
  const lines = [colors.bold(oneLine(client.client_id)), ...factsOf(client, view).map((fact) => `  ${fact}`)]
  lines.push(...section('waiting', waitingOf(client, view), view, 'nothing'))
  lines.push(...section('dropped', dropLines(client.drops), view, 'nothing'))
  const filters = subscriptions.map(({ filter, qos, share_group: group }) => {
    return `${oneLine(filter)}  QoS ${qos}${group === undefined ? '' : `, shared by ${oneLine(group)}`}`
  })
  lines.push(...section('has subscribed', filters, view, 'to nothing'))
  const unknown = client.is_connected ? 'everything' : 'not known until it is back'
  lines.push(
    ...section(
      'may',
      (permissions ?? []).map(oneLine),
      view,
      permissions === undefined ? unknown : 'nothing of its own',
    ),
  )
  if (!client.is_complete) lines.push('', colors.dim('there is more than the broker tells'))
  return lines
}

function factsOf(client: ClientDetails, { now }: View): string[] {
  const { address, connected_at: since, disconnected_at: left, token_expires_at: ends } = client
  const where = client.is_connected
    ? `connected from ${address ?? '?'}${since === undefined ? '' : `, for ${duration(Math.max(0, now.getTime() - Date.parse(since)) / 1000)}`}`
    : `away${left === undefined ? '' : `, since ${formatAge(left, now)}`}`
  return [
    `${where}, MQTT ${client.protocol}${client.keep_alive === undefined ? '' : `, keep alive ${client.keep_alive} s`}`,
    ...(client.username === client.client_id ? [] : [`user ${oneLine(client.username)}`]),
    ...(ends === undefined ? [] : [`its token ends ${formatAge(ends, now)}`]),
    ...(client.is_connected
      ? [`${count(client.received)} received from it, ${count(client.sent)} sent to it`]
      : []),
  ]
}

function waitingOf(client: ClientDetails, { now }: View): string[] {
  const { queued, in_flight: inFlight, queued_bytes: bytes, waiting_since: since } = client
  if (queued + inFlight === 0) return []
  const age = since === undefined ? '' : `, something all the time since ${formatAge(since, now)}`
  return [
    `${count(queued)} queued, ${count(inFlight)} sent and not acknowledged (${amountOfBytes(bytes)})${age}`,
  ]
}

function contractOf({ actions, service }: NonNullable<TopicExplanation['contract']>): string {
  return `  ${actions.join(', ')}${service === undefined ? '' : `, served by ${service}`}`
}

/** Clients that are alike in all but their names share a line. */
function permittedLines(clients: readonly PermittedClient[]): string[] {
  const alike = new Map<string, string[]>()
  for (const { client_id: id, is_connected: isHere, known_by: by, permission } of clients) {
    const state = isHere ? 'connected' : by === 'manifest' ? 'never here' : 'away'
    const right = permission === undefined ? 'without an entry of its own' : `by ${oneLine(permission)}`
    const names = alike.get(`${state}, ${right}`) ?? []
    alike.set(`${state}, ${right}`, names)
    names.push(oneLine(id))
  }
  return [...alike].map(([what, names]) => `${namesOf(names)}  ${what}`)
}

function namesOf(names: readonly string[]): string {
  const more = names.length - SHOWN_NAMES
  const shown = names.slice(0, SHOWN_NAMES).join(', ')
  return more > 0 ? `${shown} and ${count(more)} more` : shown
}

function subscriberLine(subscriber: Subscriber): string {
  const { client_id: id, filter, qos, share_group: group, is_connected: isHere, queued, drops } = subscriber
  const missed = Object.entries(drops).map(([reason, number]) => `${count(number)} ${reason}`)
  return [
    `${oneLine(id)}  ${oneLine(filter)}, QoS ${qos}`,
    ...(group === undefined ? [] : [`shared by ${oneLine(group)}`]),
    isHere ? 'connected' : 'away',
    ...(subscriber.may_receive ? [] : ['MAY NOT receive it']),
    ...(queued === 0 ? [] : [`${count(queued)} wait for it`]),
    ...(missed.length === 0 ? [] : [`missed ${missed.join(', ')} of any topic`]),
  ].join(', ')
}

function retainedLine(retained: NonNullable<TopicExplanation['retained']>): string {
  const { bytes, qos, published_by: by, payload_text: text } = retained
  const head = `${plural(bytes, 'byte', 'bytes')}, QoS ${qos}${by === undefined ? '' : `, by ${oneLine(by)}`}`
  return text === undefined ? head : `${head}: ${oneLine(text)}`
}

const REASONS: Readonly<Record<string, string>> = {
  slow: 'a client read too slowly (QoS 0)',
  overflow: 'a queue was full',
  expired: 'their time had passed',
  'too-large': 'larger than the client takes',
  denied: 'the client may not have them any more',
}

function dropLines(drops: Readonly<Record<string, number>>): string[] {
  return Object.entries(drops).map(([reason, number]) => `${count(number)}: ${REASONS[reason] ?? reason}`)
}

function section(title: string, entries: readonly string[], view: View, none: string): string[] {
  const { colors, columns } = view
  if (entries.length === 0) return ['', `${title}: ${colors.dim(none)}`]
  const more = entries.length > SHOWN ? [colors.dim(`  and ${entries.length - SHOWN} more, with --json`)] : []
  return ['', `${title}:`, ...entries.slice(0, SHOWN).map((one) => wrap(one, columns, '  ')), ...more]
}

/** Nothing that a client wrote begins another line, or moves the cursor. */
function oneLine(text: string): string {
  return printable(text.replaceAll(/\s+/g, ' '))
}

function count(number: number): string {
  return number.toLocaleString('en-US')
}
