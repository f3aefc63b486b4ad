import { COMPONENTS, type ComponentName } from '@jamey/contracts'
import type { ManifestClient, PermissionOrigin } from '../model/manifest.js'
import { readLimits, readProofs } from './client-fields.js'
import type { ClientNames } from './client-names.js'
import type { Field, YamlTree } from './yaml-tree.js'

const MAXIMUM_INSTANCES = 100
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
  const { instances, proof, limits } = tree.known(field, ['instances', 'proof', 'limits'])
  const shared = {
    proofs: readProofs(tree, proof),
    limits: readLimits(tree, limits),
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
    line,
  }: Partial<Pick<ManifestClient, 'proofs' | 'limits'>> & { readonly line?: number } = {},
): ManifestClient {
  const permissions = [...new Set(COMPONENTS[component].permissions)]
  const origin: PermissionOrigin = { kind: 'component', name: component, line }
  return { clientId, component, proofs, permissions, origins: permissions.map(() => origin), limits }
}
