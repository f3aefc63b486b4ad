import { isSeq } from 'yaml'
import { CLIENT_LIMITS, type ClientLimits, PROOFS, type Proof } from '../model/manifest.js'
import { type Place, shownText, type YamlTree } from './yaml-tree.js'

const MAXIMUM_PER_SECOND = 1_000_000_000
const KINDS = `one of ${PROOFS.join(', ')}`

/** `token` where the field is absent. */
export function readProofs(tree: YamlTree, place: Place | undefined): readonly Proof[] {
  if (place === undefined) return ['token']
  const expected = `${KINDS}, or a list of them`
  if (!isSeq(place.node)) {
    const text = tree.text(place, expected)
    return text === undefined ? [] : proofsIn(tree, [{ ...place, text }], expected)
  }
  if (place.node.items.length === 0) tree.fault(place, 'an empty list', expected)
  return proofsIn(tree, tree.texts(place, expected, PROOFS.length), KINDS)
}

export function readLimits(tree: YamlTree, place: Place | undefined): ClientLimits {
  if (place === undefined) return {}
  const fields = tree.known(place, CLIENT_LIMITS)
  const limits = CLIENT_LIMITS.flatMap((name) => {
    const field = fields[name]
    const value = field && tree.whole(field, 1, MAXIMUM_PER_SECOND)
    return value === undefined ? [] : [[name, value]]
  })
  return Object.fromEntries(limits) as ClientLimits
}

function proofsIn(
  tree: YamlTree,
  texts: readonly (Place & { readonly text: string })[],
  expected: string,
): Proof[] {
  return texts.flatMap((each) => {
    const proof = PROOFS.find((known) => known === each.text)
    if (proof === undefined) tree.fault(each, shownText(each.text), expected)
    return proof ?? []
  })
}
