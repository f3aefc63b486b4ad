/**
 * True for a recipient or account in a list of the deployer's. `@example.org` in a list is everybody of that domain,
 * and of no domain below it. The case of letters counts where there is no `@`, blanks and hyphens of numbers do not.
 */
export function isListed(value: unknown, list: unknown): boolean {
  if (typeof value !== 'string' || !Array.isArray(list)) return false
  const sought = canonical(value)
  const domain = /^[^@\s<>"(),;]+(@[a-z0-9.-]+)$/.exec(sought)?.[1]
  const known = canonicalOf(list)
  return known.has(sought) || (domain !== undefined && known.has(domain))
}

/** Lists of a policy are asked about with every call. */
const CANONICAL = new WeakMap<readonly unknown[], ReadonlySet<string>>()

function canonicalOf(list: readonly unknown[]): ReadonlySet<string> {
  let known = CANONICAL.get(list)
  if (known === undefined) {
    known = new Set(list.filter((entry) => typeof entry === 'string').map(canonical))
    CANONICAL.set(list, known)
  }
  return known
}

function canonical(text: string): string {
  const plain = text.trim()
  if (plain.includes('@')) return plain.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
  const compact = plain.replace(/[ -]/g, '')
  return /^\+?[A-Za-z]{0,4}\d[A-Za-z\d]{7,}$/.test(compact) ? compact.toUpperCase() : plain
}
