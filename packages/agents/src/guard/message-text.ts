/** A message or a part of one, as far as it is read here. */
interface Part {
  readonly role?: unknown
  readonly content?: unknown
  readonly type?: unknown
  readonly text?: unknown
}

/** The text of a message: its content, or the parts of that which are of `type`, as its framework names those of text. */
export function textIn(content: unknown, type: string): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return (content as readonly Part[])
    .map((part) => (part.type === type && typeof part.text === 'string' ? part.text : ''))
    .filter((text) => text !== '')
    .join('\n')
}

/** The texts of the user's messages, in their order. */
export function userTextsIn(messages: unknown, type: string): string[] {
  if (!Array.isArray(messages)) return []
  return (messages as readonly Part[])
    .filter(({ role }) => role === 'user')
    .map(({ content }) => textIn(content, type))
}
