/** Of a message of the AI SDK, what is read here. */
interface Message {
  readonly role?: unknown
  readonly content?: unknown
}

/** The texts of the user's messages, in their order. */
export function userTextsOf(messages: unknown): string[] {
  if (!Array.isArray(messages)) return []
  return (messages as readonly Message[])
    .filter(({ role }) => role === 'user')
    .map(({ content }) => textOf(content))
}

/** Whether the program was asked to approve this call. */
export function wasAskedFor(messages: unknown, toolCallId: string | undefined): boolean {
  if (!Array.isArray(messages) || toolCallId === undefined) return false
  return (messages as readonly Message[])
    .flatMap(({ content }) => (Array.isArray(content) ? (content as readonly unknown[]) : []))
    .some((part) => {
      const { type, toolCallId: asked } = part as { readonly type?: unknown; readonly toolCallId?: unknown }
      return type === 'tool-approval-request' && asked === toolCallId
    })
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return (content as readonly { readonly type?: unknown; readonly text?: unknown }[])
    .map(({ type, text }) => (type === 'text' && typeof text === 'string' ? text : ''))
    .filter((text) => text !== '')
    .join('\n')
}
