import type { Bus } from '@jamey/bus'
import { decisionSchema, type EvaluationInput, topics } from '@jamey/contracts'
import type { McpServer } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { requestOptions, resultOf, type ToolContext } from './tool.js'

const jsonObject = z.record(z.string(), z.unknown())

/** One object, as clients take no choice of two; which fields go together, the contract says. */
const inputSchema = z.strictObject({
  tool: z.string().optional().describe('The name of the tool that is to be called'),
  arguments: jsonObject.optional().describe('The arguments of that call'),
  annotations: jsonObject.optional().describe('What its server says of the tool, as MCP names it'),
  intent: z.string().optional().describe('Why the call is made'),
  cwd: z.string().optional().describe('The folder that the call is made in'),
  session_id: z.string().optional().describe('Calls with the same one belong together'),
  call_id: z.string().optional(),
  action: z.string().optional().describe('In the place of tool: an action in words'),
  context: jsonObject.optional().describe('With action: facts about the situation'),
  user: jsonObject.optional().describe('With action: facts about the user'),
})

/** Of a verdict, what whoever asked acts by; there is more in it. */
const outputSchema = z.looseObject({
  approved: z.boolean().describe('Only where it is true may it be done'),
  decision: decisionSchema,
  reasons: z.array(z.string()),
  rules: z.array(z.looseObject({ name: z.string(), decision: z.string(), reason: z.string() })),
  arguments: jsonObject.optional().describe('The call may be made with these alone'),
  approval: z
    .looseObject({ id: z.string() })
    .optional()
    .describe('What a person is asked, where decision is ask'),
  evaluation_id: z.string(),
})

export function addConscienceTools(server: McpServer, bus: Bus, context: ToolContext): void {
  server.registerTool(
    'evaluate',
    {
      title: 'Ask the conscience',
      description:
        'Asks whether a call of a tool (tool, arguments) or an action in words (action) may be done. Do it only where approved is true, with the arguments of the answer where there are any. Where decision is ask, a person was asked: ask again later.',
      inputSchema,
      outputSchema,
      annotations: {
        readOnlyHint: false,
        destructiveHint: false,
        idempotentHint: true,
        openWorldHint: false,
      },
    },
    (asked, call) =>
      resultOf(bus, () =>
        bus.request(topics.conscience.evaluate, asked as EvaluationInput, requestOptions(context, call)),
      ),
  )
}
