import { PERMISSION_FORM, permissionFault } from '@jamey/auth'
import type { PermissionOrigin } from '../model/manifest.js'
import { type Place, shownText, type YamlTree } from './yaml-tree.js'

const MAXIMUM_PERMISSIONS = 1000

/** A permission and where it stands. */
export interface OwnedPermission {
  readonly text: string
  readonly origin: PermissionOrigin
}

/** The permissions of a list; every one that cannot be read is a fault. */
export function readPermissionList(
  tree: YamlTree,
  place: Place | undefined,
  owner: Pick<PermissionOrigin, 'kind' | 'name'>,
): OwnedPermission[] {
  return tree.texts(place, 'a list of permissions', MAXIMUM_PERMISSIONS).flatMap((each) => {
    const fault = permissionFault(each.text)
    if (fault !== undefined) {
      tree.fault(each, `${shownText(each.text)}, which ${fault}`, PERMISSION_FORM)
      return []
    }
    return [{ text: each.text, origin: { ...owner, line: tree.lineOf(each) } }]
  })
}

/** Permissions of all lists, each once, from the place where it stands first. */
export function joinPermissions(lists: readonly (readonly OwnedPermission[])[]): {
  permissions: string[]
  origins: PermissionOrigin[]
} {
  const origins = new Map<string, PermissionOrigin>()
  for (const { text, origin } of lists.flat()) {
    if (!origins.has(text)) origins.set(text, origin)
  }
  return { permissions: [...origins.keys()], origins: [...origins.values()] }
}
