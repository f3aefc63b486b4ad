/** A string of JSON, or what opens and closes objects and lists. */
const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\]]/g

/**
 * The bytes of an envelope whose `topic` says `from`, with `to` in its place and every other byte as it was, for digests
 * are made of them. As they came where they are no such envelope.
 */
export function readdressed(bytes: Uint8Array, from: string, to: string): Uint8Array {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
  const span = topicSpan(text)
  if (span === undefined) return bytes
  const [start, end] = span
  return parsed(text.slice(start, end)) === from
    ? Buffer.from(text.slice(0, start) + JSON.stringify(to) + text.slice(end), 'utf8')
    : bytes
}

/** The client identifier that the sender of an envelope gives; undefined where it is none. */
export function claimedSender(bytes: Uint8Array): string | undefined {
  const envelope = parsed(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'))
  const clientId = (envelope as { metadata?: { client_id?: unknown } } | null | undefined)?.metadata
    ?.client_id
  return typeof clientId === 'string' && clientId !== '' ? clientId : undefined
}

/** Where the value of the outermost `topic` stands; undefined where there is none, or more than one. */
function topicSpan(text: string): readonly [number, number] | undefined {
  let depth = 0
  let span: readonly [number, number] | undefined
  let isTopic = false
  for (const { 0: token, index } of text.matchAll(TOKENS)) {
    const end = index + token.length
    if (token === '{' || token === '[') depth++
    else if (token === '}' || token === ']') depth--
    else if (depth === 1) {
      const isKey = /^\s*:/.test(text.slice(end, end + 64))
      if (isTopic && !isKey) {
        if (span !== undefined) return undefined
        span = [index, end]
      }
      isTopic = isKey && token === '"topic"'
    }
  }
  return span
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
