import type { Permissions } from '@jamey/auth'
import { PermissionError } from '../support/errors.js'

/** Throws `PermissionError`, which names the entry that is needed, where the client may not do this. */
export function assertPermitted(
  permissions: Permissions,
  action: 'publish' | 'subscribe' | 'act-for',
  topic: string,
): void {
  const { isAllowed, permission } = permissions.decide(action, topic)
  if (isAllowed) return
  throw new PermissionError(permission, permissions.clientId, permissions.explain(action, topic))
}
