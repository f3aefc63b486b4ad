import { type Action, type Decision, type Ruling, shownClientName } from '@jamey/auth'
import type { Manifest, PermissionOrigin } from '../model/manifest.js'
import { clientOf, permissionsOf } from './permissions-of.js'

/** `not-in-manifest`: there is no such client, so it may not even connect. */
export type ManifestRuling = Ruling | 'not-in-manifest'

/** The decision whether a client may do something, and its ground. */
export interface Explanation extends Omit<Decision, 'ruling'> {
  readonly clientId: string
  readonly action: Action
  readonly topic: string
  readonly ruling: ManifestRuling
  /** Place of the entry that grants it. */
  readonly origin: PermissionOrigin | undefined
  /** The whole explanation in a sentence. */
  readonly text: string
}

/**
 * By which entry the client may do this, or why it may not. `topic` is a topic name; a topic filter where the action is
 * 'subscribe', a client identifier where it is 'act-for'.
 */
export function explain(manifest: Manifest, clientId: string, action: Action, topic: string): Explanation {
  const about = { clientId, action, topic }
  const permissions = permissionsOf(manifest, clientId)
  if (permissions === undefined) {
    const file = manifest.fileName ?? 'the manifest'
    const text = `"${shownClientName(clientId)}" may not connect: ${file} does not name it`
    const ruling = 'not-in-manifest'
    return { ...about, isAllowed: false, ruling, permission: undefined, origin: undefined, text }
  }
  const decision = permissions.decide(action, topic)
  // An entry that would grant it is not among those that there are.
  const origin = originOf(manifest, clientId, decision.permission)
  const sentence = permissions.explain(action, topic)
  const text = origin === undefined ? sentence : `${sentence} (${shownOrigin(origin, manifest.fileName)})`
  return { ...about, ...decision, origin, text }
}

function originOf(
  manifest: Manifest,
  clientId: string,
  permission: string | undefined,
): PermissionOrigin | undefined {
  const client = clientOf(manifest, clientId)
  return client?.origins?.[client.permissions.indexOf(permission ?? '')]
}

/** `role watcher, permissions.yaml:7` */
export function shownOrigin({ kind, name, line }: PermissionOrigin, fileName = 'permissions.yaml'): string {
  const owner = kind === 'client' ? 'its own' : `${kind} ${shownClientName(name)}`
  if (line === undefined) return `${owner}, which ${fileName} does not name`
  return `${owner}, ${fileName}:${line}`
}
