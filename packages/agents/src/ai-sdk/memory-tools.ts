import { CONTENT_CHARACTERS, memoryId, memoryTag, QUERY_CHARACTERS } from '@jamey/contracts'
import { z } from 'zod'
import { type KeepingOptions, keeping } from '../memory/addressed.js'
import type { AgentMemory } from '../memory/agent-memory.js'
import { MEMORIES_ARE_DATA, type ShownMemory, shownMemory } from '../memory/shown-memory.js'

export interface AiSdkMemoryOptions extends KeepingOptions {
  /** The conversation that memories are stored with; none by default. */
  readonly sessionId?: string | undefined
}

const remember = z.object({
  content: z
    .string()
    .min(1)
    .max(CONTENT_CHARACTERS)
    .describe('One fact, in words that will be understood without this conversation'),
  tags: z.array(memoryTag).max(20).optional(),
})
const recall = z.object({
  query: z.string().max(QUERY_CHARACTERS).describe('Words of what is looked for; none lists the newest'),
  tags: z.array(memoryTag).max(20).optional(),
  limit: z.int().min(1).max(50).default(10),
})
const forget = z.object({ id: memoryId.describe('As recall_memories gave it') })

/**
 * Tools of the AI SDK with which a model stores, recalls and forgets memories of its own. They reject with
 * `MemoryAccessError`, which the SDK tells the model.
 */
export function aiSdkMemoryTools(memory: AgentMemory, options: AiSdkMemoryOptions = {}) {
  const { sessionId } = options
  const { duplicates: _, ...kept } = keeping(options)
  return {
    store_memory: {
      description: 'Stores one fact for later conversations.',
      inputSchema: remember,
      execute: async ({ content, tags = [] }: z.output<typeof remember>): Promise<{ id: string }> => {
        const session = sessionId === undefined ? {} : { session_id: sessionId }
        const stored = await memory.store({ ...kept, ...session, content, tags })
        return { id: stored.memory.id }
      },
    },
    recall_memories: {
      description: `Recalls what was stored earlier, best first. ${MEMORIES_ARE_DATA}`,
      inputSchema: recall,
      execute: async ({
        query,
        tags,
        limit,
      }: z.output<typeof recall>): Promise<{ note: string; memories: ShownMemory[] }> => {
        const { memories } = await memory.query({ query, limit, ...(tags === undefined ? {} : { tags }) })
        return { note: MEMORIES_ARE_DATA, memories: memories.map(shownMemory) }
      },
    },
    forget_memory: {
      description: 'Removes one memory for good.',
      inputSchema: forget,
      execute: async ({ id }: z.output<typeof forget>): Promise<{ forgotten: number }> => {
        const { forgotten } = await memory.forget({ id })
        return { forgotten }
      },
    },
  }
}
