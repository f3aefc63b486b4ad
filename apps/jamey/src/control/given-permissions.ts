/**
 * The entries that say what a client may do at most, of a list by which an identity decides. Where both its token and the
 * broker's settings bound it, both lists stand in there, with an empty entry between them, and those of the settings are
 * told, which only the operator writes.
 */
export function givenPermissions(list: readonly string[]): readonly string[] {
  return list.slice(list.lastIndexOf('') + 1)
}
