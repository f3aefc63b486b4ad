import { clientNameSkeleton, newClientNameFault, shownClientName } from '@jamey/auth'
import { COMPONENTS, type ComponentName } from '@jamey/contracts'
import { type Place, shownText, type YamlTree } from './yaml-tree.js'

const EXPECTED = 'a client identifier of its own, which nobody takes for another'

interface KnownName {
  readonly name: string
  /** The place, to follow the name, or "is", in a sentence. */
  readonly where: string
  /** The component whose usual name it is, as long as the name is in no list. */
  readonly reservedFor?: ComponentName
}

/** The client identifiers of a manifest: none is there twice, and none looks like another. */
export class ClientNames {
  readonly #tree: YamlTree
  /** Names by what they look like. */
  readonly #known = new Map<string, KnownName>()

  constructor(tree: YamlTree) {
    this.#tree = tree
    for (const [component, { clientId }] of Object.entries(COMPONENTS)) {
      this.#known.set(clientNameSkeleton(clientId), {
        name: clientId,
        where: `the name of the component ${component}`,
        reservedFor: component as ComponentName,
      })
    }
  }

  /** True where a client, an instance of `component` where it is one, may have the name; else a fault is told. */
  take(place: Place, name: string, component?: ComponentName): boolean {
    const skeleton = clientNameSkeleton(name)
    const other = this.#known.get(skeleton)
    const isItsOwn = component !== undefined && other?.reservedFor === component && other.name === name
    const fault = newClientNameFault(name) ?? (isItsOwn ? undefined : likenessFault(name, other))
    if (fault !== undefined) {
      this.#tree.fault(place, `${shownText(name)}, which ${fault}`, EXPECTED)
      return false
    }
    this.#known.set(skeleton, { name, where: `the name in line ${this.#tree.lineOf(place)}` })
    return true
  }
}

function likenessFault(name: string, other: KnownName | undefined): string | undefined {
  if (other === undefined) return undefined
  return other.name === name
    ? `is ${other.where}`
    : `looks like ${shownClientName(other.name)}, ${other.where}`
}
