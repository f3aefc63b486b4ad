import { EFFECTS, ROLES } from '@jamey/calls'
import { decisionSchema } from '@jamey/contracts'
import { z } from 'zod'

/** The forms of a policy file and of the packs. */

export const ruleName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,63}$/, 'expected lower-case letters, digits and hyphens, such as no-payments')
const pointer = z.string().regex(/^(?:\/.*)?$/s, 'expected a JSON Pointer, such as /body, or nothing for all')
const changeSchema = z.union([
  z.strictObject({ argument: pointer, redact: z.literal('secrets') }),
  z.strictObject({ argument: pointer, at_most: z.number() }),
  z.strictObject({ argument: pointer, set: z.json() }),
  z.strictObject({ argument: pointer, remove: z.literal(true) }),
])
export const ruleSchema = z.strictObject({
  name: ruleName,
  decision: decisionSchema,
  reason: z.string().trim().min(1).max(500),
  when: z.string().trim().min(1).max(5_000),
  approvers: z.literal([1, 2]).optional(),
  transform: z.array(changeSchema).max(20).default([]),
  judge: z.literal('may-allow').optional(),
})
export type RuleText = z.output<typeof ruleSchema>
export const packsSchema = z.record(z.string(), z.array(ruleSchema))
const toolSchema = z.strictObject({
  effects: z.array(z.enum(EFFECTS)).default([]),
  arguments: z.record(z.string().max(200), z.enum(ROLES)).default({}),
  untrusted: z.boolean().default(true),
  annotations: z.literal('believed').optional(),
})
const listsSchema = z
  .record(z.string().regex(/^[a-z][a-z0-9_]{0,63}$/), z.array(z.string().max(1_000)).max(10_000))
  .default({})
const toolsSchema = z.record(z.string().min(1).max(200), toolSchema).default({})
const workspaceSchema = z.string().startsWith('/', 'expected an absolute path').optional()
/** Suppositions of cases about a policy: a workspace in the place of its own, the rest beside what it has itself. */
export const supposedSchema = z.strictObject({
  workspace: workspaceSchema,
  lists: listsSchema,
  tools: toolsSchema,
})
export type Supposed = z.output<typeof supposedSchema>
export const fileSchema = z.strictObject({
  version: z.union([z.string().min(1).max(40), z.number()]),
  include: z.array(z.string()).default([]),
  without: z.array(ruleName).default([]),
  workspace: workspaceSchema,
  lists: listsSchema,
  tools: toolsSchema,
  rules: z.array(ruleSchema).max(500).default([]),
})
export type PolicyFile = z.output<typeof fileSchema>
export type Lists = PolicyFile['lists']
export type Packs = Readonly<Record<string, readonly RuleText[]>>
