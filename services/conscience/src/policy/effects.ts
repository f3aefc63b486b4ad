import type { Effect } from '@jamey/calls'

/** What a tool may do, in the words of a policy and of its conditions. */
export const EFFECTS = [
  'read',
  'write',
  'delete',
  'build',
  'execute',
  'outward-read',
  'send',
  'pay',
  'admin',
] as const satisfies readonly Effect[]
