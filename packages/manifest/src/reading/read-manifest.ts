import { isScalar } from 'yaml'
import type { Manifest, ManifestClient } from '../model/manifest.js'
import { readLimits, readProofs } from './client-fields.js'
import { ClientNames } from './client-names.js'
import { readComponents } from './component-reader.js'
import { ManifestError } from './manifest-error.js'
import { joinPermissions, type OwnedPermission, readPermissionList } from './permission-lists.js'
import { type Field, shownNode, shownText, YamlTree } from './yaml-tree.js'

/** The form of the file that this version reads. */
export const MANIFEST_VERSION = 1
/** Characters of a manifest that is read at all. */
export const MAXIMUM_MANIFEST_CHARACTERS = 2 * 1024 * 1024
const MAXIMUM_CLIENTS = 10_000
const MAXIMUM_ROLES = 1000

type Roles = ReadonlyMap<string, readonly OwnedPermission[]>

/**
 * What `text`, a `permissions.yaml`, says. Throws `ManifestError` with everything that is wrong with it, by lines;
 * `fileName` is what the file is called there.
 *
 * @example readManifest('version: 1\nclients:\n  eva: { permissions: ["lab/%c/#"] }\n').clients.at(-1)?.clientId // 'eva'
 */
export function readManifest(text: string, fileName = 'permissions.yaml'): Manifest {
  assertSize(text, fileName)
  const tree = new YamlTree(text, fileName)
  throwFaults(tree)
  const clients = readDocument(tree)
  throwFaults(tree)
  return { fileName, clients }
}

function assertSize(text: string, fileName: string): void {
  if (text.length <= MAXIMUM_MANIFEST_CHARACTERS) return
  const found = `${text.length} characters`
  const expected = `at most ${MAXIMUM_MANIFEST_CHARACTERS} characters`
  throw new ManifestError('manifest-invalid', [{ fileName, line: 1, column: 1, field: '', found, expected }])
}

function throwFaults({ faults }: YamlTree): void {
  if (faults.length === 0) return
  throw new ManifestError('manifest-invalid', [...faults].sort(byPlace))
}

function byPlace(one: { line: number; column: number }, other: { line: number; column: number }): number {
  return one.line - other.line || one.column - other.column
}

function readDocument(tree: YamlTree): ManifestClient[] {
  const fields = tree.known(tree.root, ['version', 'components', 'roles', 'clients'])
  assertVersion(tree, fields.version)
  const names = new ClientNames(tree)
  const components = readComponents(tree, fields.components, names)
  const roles = readRoles(tree, fields.roles)
  return [...components, ...readClients(tree, fields.clients, roles, names)]
}

/** A file of a later version means nothing to this program, so no other fault of it is told. */
function assertVersion(tree: YamlTree, field: Field | undefined): void {
  const expected = `version: ${MANIFEST_VERSION}`
  if (field === undefined) return tree.fault({ ...tree.root, field: 'version' }, 'nothing', expected)
  const version = isScalar(field.node) ? field.node.value : undefined
  if (version === MANIFEST_VERSION) return
  if (typeof version !== 'number' || !Number.isInteger(version) || version < MANIFEST_VERSION) {
    return tree.fault(field, shownNode(field.node), expected)
  }
  tree.faults.length = 0
  tree.fault(field, `${version}, which is newer than what this program reads`, expected)
  throw new ManifestError('manifest-version', tree.faults)
}

function readRoles(tree: YamlTree, place: Field | undefined): Roles {
  const roles = new Map<string, readonly OwnedPermission[]>()
  if (place === undefined) return roles
  for (const role of fieldsOf(tree, place, 'roles', MAXIMUM_ROLES)) {
    const { permissions } = tree.known(role, ['permissions'])
    roles.set(role.key, readPermissionList(tree, permissions, { kind: 'role', name: role.key }))
  }
  return roles
}

function readClients(
  tree: YamlTree,
  place: Field | undefined,
  roles: Roles,
  names: ClientNames,
): ManifestClient[] {
  if (place === undefined) return []
  return fieldsOf(tree, place, 'clients', MAXIMUM_CLIENTS).map((client) => {
    const clientId = client.key
    names.take({ ...client, at: client.keyAt }, clientId)
    const fields = tree.known(client, ['proof', 'roles', 'permissions', 'limits'])
    const own = readPermissionList(tree, fields.permissions, { kind: 'client', name: clientId })
    const lists = readRoleNames(tree, fields.roles, roles).map((role) => roles.get(role) ?? [])
    return {
      clientId,
      component: undefined,
      proofs: readProofs(tree, fields.proof),
      ...joinPermissions([own, ...lists]),
      limits: readLimits(tree, fields.limits),
    }
  })
}

function readRoleNames(tree: YamlTree, place: Field | undefined, roles: Roles): string[] {
  const known = [...roles.keys()].slice(0, 20).map(shownText).join(', ')
  const expected = roles.size === 0 ? 'a role, of which there are none' : `one of the roles: ${known}`
  return tree.texts(place, 'a list of roles', MAXIMUM_ROLES).flatMap((each) => {
    if (roles.has(each.text)) return [each.text]
    tree.fault(each, shownText(each.text), expected)
    return []
  })
}

function fieldsOf(tree: YamlTree, place: Field, what: string, most: number): Field[] {
  const fields = tree.fields(place, `a mapping of ${what}`)
  if (fields.length <= most) return fields
  tree.fault(place, `${fields.length} ${what}`, `at most ${most}`)
  return []
}
