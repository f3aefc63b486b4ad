import type { Action } from '@jamey/auth'
import type { Manifest } from '../model/manifest.js'
import { type Explanation, explain } from './explanation.js'

/**
 * Every client that may do this, in the order of the manifest, and by which entry. `topic` is the one that `explain`
 * takes.
 */
export function who(manifest: Manifest, action: Action, topic: string): Explanation[] {
  return manifest.clients
    .map(({ clientId }) => explain(manifest, clientId, action, topic))
    .filter(({ isAllowed }) => isAllowed)
}
