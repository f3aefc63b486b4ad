import { COMPONENTS, type ComponentName } from '@jamey/contracts'
import type { ManifestClient, PermissionOrigin } from '../model/manifest.js'
import { readLimits, readProofs } from './client-fields.js'
import type { ClientNames } from './client-names.js'
import { joinPermissions, type OwnedPermission, readPermissionList } from './permission-lists.js'
import type { Field, YamlTree } from './yaml-tree.js'

const MAXIMUM_INSTANCES = 100
type FieldName = 'instances' | 'proof' | 'limits' | 'permissions'
const FIELDS: readonly FieldName[] = ['instances', 'proof', 'limits']
/** It alone may have more than its component needs: what callers are to see and send by it. */
const GATEWAY_FIELDS: readonly FieldName[] = [...FIELDS, 'permissions']
const NAMES = Object.keys(COMPONENTS) as ComponentName[]

/** The instances of our components; of one that is not named, the one that there usually is. */
export function readComponents(
  tree: YamlTree,
  place: Field | undefined,
  names: ClientNames,
): ManifestClient[] {
  const fields = place === undefined ? {} : tree.known(place, NAMES)
  return NAMES.flatMap((component) => {
    const field = fields[component]
    return field === undefined
      ? [instanceOf(component, COMPONENTS[component].clientId)]
      : readComponent(tree, field, component, names)
  })
}

function readComponent(
  tree: YamlTree,
  field: Field,
  component: ComponentName,
  names: ClientNames,
): ManifestClient[] {
  const fields = tree.known(field, component === 'gateway' ? GATEWAY_FIELDS : FIELDS)
  const { instances, proof, limits, permissions } = fields
  const shared = {
    proofs: readProofs(tree, proof),
    limits: readLimits(tree, limits),
    more: readPermissionList(tree, permissions, { kind: 'component', name: component }),
    line: tree.lineOf({ at: field.keyAt }),
  }
  if (instances === undefined) return [instanceOf(component, COMPONENTS[component].clientId, shared)]
  return tree
    .texts(instances, 'a list of client identifiers', MAXIMUM_INSTANCES)
    .filter((each) => names.take(each, each.text, component))
    .map(({ text }) => instanceOf(component, text, shared))
}

function instanceOf(
  component: ComponentName,
  clientId: string,
  {
    proofs = ['token'],
    limits = {},
    more = [],
    line,
  }: Partial<Pick<ManifestClient, 'proofs' | 'limits'>> & {
    readonly more?: readonly OwnedPermission[]
    readonly line?: number
  } = {},
): ManifestClient {
  const origin: PermissionOrigin = { kind: 'component', name: component, line }
  const own = COMPONENTS[component].permissions.map((text) => ({ text, origin }))
  return { clientId, component, proofs, ...joinPermissions([own, more]), limits }
}
