import { QUERY_CHARACTERS } from '@jamey/contracts'
import { textIn } from '../guard/message-text.js'
import type { AgentMemory } from '../memory/agent-memory.js'
import { MEMORIES_ARE_DATA, shownMemory } from '../memory/shown-memory.js'

export interface AiSdkMemoryMiddlewareOptions<Version extends 'v3' | 'v4' = 'v3'> {
  /** Number of memories that a model is shown, 5 by default. */
  readonly limit?: number | undefined
  /** True: a model is asked without memories where the memory cannot be reached. By default the call rejects. */
  readonly isOptional?: boolean | undefined
  /** Of the SDK's models: `v3` (the default) in version 6, `v4` in version 7. */
  readonly specificationVersion?: Version | undefined
}

/** Of a message of the SDK's prompts, what is read. */
interface PromptMessage {
  readonly role: string
  readonly content: unknown
}

const LIMIT = 5

/**
 * For `wrapLanguageModel`: shows a model what its memory has on the user's last words, as data in front of them. Rejects
 * with `MemoryAccessError` where the memory cannot be asked.
 */
export function aiSdkMemoryMiddleware<Version extends 'v3' | 'v4' = 'v3'>(
  memory: AgentMemory,
  options: AiSdkMemoryMiddlewareOptions<Version> = {},
) {
  const { limit = LIMIT, isOptional = false, specificationVersion = 'v3' } = options
  return {
    specificationVersion: specificationVersion as Version,
    transformParams: async <Params extends { readonly prompt: readonly PromptMessage[] }>({
      params,
    }: {
      readonly params: Params
    }): Promise<Params> => {
      const { prompt } = params
      const at = prompt.findLastIndex(({ role }) => role === 'user')
      const said = prompt[at]
      if (said === undefined || !Array.isArray(said.content)) return params
      const words = textIn(said.content, 'text').trim()
      if (words === '') return params
      const shown = await shownFor(memory, words, limit, isOptional)
      if (shown === undefined) return params
      const content = [{ type: 'text', text: shown }, ...(said.content as readonly unknown[])]
      return { ...params, prompt: prompt.with(at, { ...said, content }) }
    },
  }
}

async function shownFor(
  memory: AgentMemory,
  words: string,
  limit: number,
  isOptional: boolean,
): Promise<string | undefined> {
  try {
    const { memories } = await memory.query({ query: words.slice(0, QUERY_CHARACTERS), limit })
    if (memories.length === 0) return undefined
    // JSON: whatever a memory says, it cannot end its own text.
    return `${MEMORIES_ARE_DATA}\nMemories: ${JSON.stringify(memories.map(shownMemory))}`
  } catch (error) {
    if (isOptional) return undefined
    throw error
  }
}
