import type { Bus } from '@jamey/bus'
import {
  forgetSchema,
  forgottenSchema,
  type MemoryForget,
  querySchema,
  recalledSchema,
  storedSchema,
  storeSchema,
  topics,
} from '@jamey/contracts'
import type { McpServer } from '@modelcontextprotocol/server'
import { resultOf, type ToolContext } from './tool.js'

/** Its own memories, and to recall what is shared: what is others' takes a client of its own. */
export function addMemoryTools(server: McpServer, bus: Bus, { timeoutMs }: ToolContext): void {
  server.registerTool(
    'remember',
    {
      title: 'Store a memory',
      description: 'Stores a text to be recalled later, by its words, layer, tags and time.',
      inputSchema: storeSchema,
      outputSchema: storedSchema,
      annotations: {
        readOnlyHint: false,
        destructiveHint: false,
        idempotentHint: false,
        openWorldHint: false,
      },
    },
    (memory, { mcpReq: { signal } }) =>
      resultOf(bus, () => bus.request(topics.memory.store, memory, { timeoutMs, signal })),
  )
  server.registerTool(
    'recall',
    {
      title: 'Recall memories',
      description:
        'Finds memories, best first; without a query the newest. What others shared is theirs to say.',
      inputSchema: querySchema,
      outputSchema: recalledSchema,
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    (query, { mcpReq: { signal } }) =>
      resultOf(bus, () => bus.request(topics.memory.query, query, { timeoutMs, signal })),
  )
  server.registerTool(
    'forget',
    {
      title: 'Forget memories',
      description:
        'Removes one of its own memories by id, or all of them that fit every given condition, for good.',
      inputSchema: forgetSchema,
      outputSchema: forgottenSchema,
      annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
    },
    (selection: MemoryForget, { mcpReq: { signal } }) =>
      resultOf(bus, () => bus.request(topics.memory.forget, selection, { timeoutMs, signal })),
  )
}
