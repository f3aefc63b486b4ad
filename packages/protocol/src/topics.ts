import { ProtocolError } from './errors.js'
import { ReasonCode } from './reason-codes.js'

/** UTF-8 strings on the wire hold at most this many bytes. [MQTT-1.5.4-1] */
const MAXIMUM_STRING_BYTES = 65_535

/** A topic filter without its `$share/<group>/` prefix, and the group where there was one. Section 4.8.2. */
export interface SharedFilter {
  group: string | undefined
  filter: string
}

/** A topic name: at least one character, no wildcard, no NUL, at most 65535 bytes. [MQTT-3.3.2-2] [MQTT-4.7.3] */
export function isTopicName(topic: string): boolean {
  return topicNameFault(topic) === undefined
}

/** Throws `ProtocolError` 0x90 that says what is wrong with `topic`. */
export function assertTopicName(topic: string): void {
  const fault = topicNameFault(topic)
  if (fault !== undefined) throw invalid(ReasonCode.topicNameInvalid, 'topic name', topic, fault)
}

/** A topic filter, `$share/<group>/<filter>` included. [MQTT-4.7.1] [MQTT-4.8.2] */
export function isTopicFilter(filter: string): boolean {
  return topicFilterFault(filter) === undefined
}

/** Throws `ProtocolError` 0x8f that says what is wrong with `filter`. */
export function assertTopicFilter(filter: string): void {
  const fault = topicFilterFault(filter)
  if (fault !== undefined) throw invalid(ReasonCode.topicFilterInvalid, 'topic filter', filter, fault)
}

/** `$share/g/a/+` -> `{ group: 'g', filter: 'a/+' }`; a filter that is not shared has no group. */
export function splitShared(filter: string): SharedFilter {
  if (!filter.startsWith('$share/')) return { group: undefined, filter }
  const slash = filter.indexOf('/', 7)
  if (slash < 0) return { group: undefined, filter }
  return { group: filter.slice(7, slash), filter: filter.slice(slash + 1) }
}

/**
 * Whether `filter` (not shared) selects `topic`.
 * A wildcard in the first level does not match a topic that starts with `$`. [MQTT-4.7.2-1]
 */
export function matches(filter: string, topic: string): boolean {
  const first = filter.charCodeAt(0)
  if ((first === HASH || first === PLUS) && topic.charCodeAt(0) === DOLLAR) return false
  let at = 0
  let i = 0
  while (i < filter.length) {
    const character = filter.charCodeAt(i)
    if (character === HASH) return true
    if (character === PLUS) {
      while (at < topic.length && topic.charCodeAt(at) !== SLASH) at++
      i++
      continue
    }
    // `sport/#` also matches its parent `sport`. [MQTT 5.0 section 4.7.1.2]
    if (at === topic.length)
      return character === SLASH && i + 2 === filter.length && filter.charCodeAt(i + 1) === HASH
    if (character !== topic.charCodeAt(at)) return false
    i++
    at++
  }
  return at === topic.length
}

/** True where `outer` selects every topic that `inner` selects. Both are filters without `$share`. */
export function covers(outer: string, inner: string): boolean {
  // `+/#` selects every topic that `#` does: all have a first level, and `#` includes the parent.
  const a = outer === '+/#' ? ['#'] : outer.split('/')
  const b = inner.split('/')
  const first = a[0]
  if ((first === '#' || first === '+') && b[0]?.startsWith('$')) return false
  for (let i = 0; i < a.length; i++) {
    const level = a[i]
    if (level === '#') return true
    if (i >= b.length) return false
    if (b[i] === '#') return false
    if (level !== '+' && level !== b[i]) return false
  }
  return a.length === b.length
}

/** True where some topic is selected by both. Neither is a filter with `$share`. */
export function overlaps(one: string, other: string): boolean {
  const a = one.split('/')
  const b = other.split('/')
  if (isAnyLevel(a[0]) !== isAnyLevel(b[0]) && (a[0]?.startsWith('$') || b[0]?.startsWith('$'))) return false
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [left, right] = [a[i], b[i]]
    // `#` includes the parent, and so stands for no level as well as for many.
    if (left === '#' || right === '#') return true
    if (left === undefined || right === undefined) return false
    if (left !== '+' && right !== '+' && left !== right) return false
  }
  return true
}

/** The filter of the topics that both select; undefined where there are none. Neither is a filter with `$share`. */
export function intersectionOf(one: string, other: string): string | undefined {
  if (!overlaps(one, other)) return undefined
  const [a, b] = [one.split('/'), other.split('/')]
  const levels: string[] = []
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [left, right] = [a[i], b[i]]
    if (left === '#') return [...levels, ...b.slice(i)].join('/')
    if (right === '#') return [...levels, ...a.slice(i)].join('/')
    levels.push((left === '+' ? right : left) ?? '')
  }
  return levels.join('/')
}

function isAnyLevel(level: string | undefined): boolean {
  return level === '#' || level === '+'
}

const HASH = 0x23
const PLUS = 0x2b
const SLASH = 0x2f
const DOLLAR = 0x24

function topicNameFault(topic: string): string | undefined {
  return stringFault(topic) ?? (/[+#]/.test(topic) ? 'has a wildcard' : undefined)
}

function topicFilterFault(filter: string): string | undefined {
  const fault = stringFault(filter)
  if (fault !== undefined) return fault
  if (!filter.startsWith('$share/')) return wildcardFault(filter)
  const shared = splitShared(filter)
  if (shared.group === undefined || shared.filter === '') return 'has no filter after $share/<group>/'
  if (!/^[^+#]+$/.test(shared.group)) return 'has a share name that is empty or has a wildcard'
  return wildcardFault(shared.filter)
}

function wildcardFault(filter: string): string | undefined {
  if (/[^/]#|#./s.test(filter)) return "has '#' elsewhere than as its last level"
  if (/[^/]\+|\+[^/]/.test(filter)) return "has '+' beside other characters of a level"
  return undefined
}

function stringFault(text: string): string | undefined {
  if (typeof text !== 'string') return 'is no text'
  if (text === '') return 'is empty'
  // A UTF-16 code unit takes at most three bytes of UTF-8, so short strings need no count.
  if (text.length * 3 > MAXIMUM_STRING_BYTES && utf8Bytes(text) > MAXIMUM_STRING_BYTES) {
    return `is longer than ${MAXIMUM_STRING_BYTES} bytes`
  }
  if (text.includes('\0')) return 'has a NUL character'
  return text.isWellFormed() ? undefined : 'has a lone surrogate'
}

/** Bytes of `text` in UTF-8. */
export function utf8Bytes(text: string): number {
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) continue
    // Each half of a surrogate pair counts two of its four bytes.
    bytes += unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 1 : 2
  }
  return bytes
}

function invalid(reasonCode: number, what: string, found: string, fault: string): ProtocolError {
  return new ProtocolError('invalid-argument', reasonCode, -1, `${what} ${shown(found)} ${fault}`)
}

function shown(found: string): string {
  if (typeof found !== 'string') return `of type ${typeof found}`
  return JSON.stringify(found.length > 80 ? `${found.slice(0, 80)}...` : found)
}
