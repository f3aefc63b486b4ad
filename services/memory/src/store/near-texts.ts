/** Words of which a shingle is made. */
const SHINGLE = 3
/** Bands of hashes: two texts that share nine tenths of their shingles share a band nearly always. */
const BANDS = 8
const ROWS = 4
/** Share of their shingles that two texts have in common to be one. */
const LEAST_ALIKE = 0.9
/** Shorter texts differ by their every word. */
const LEAST_WORDS = 8

const WORD = /[\p{L}\p{N}\p{M}]+/gu
/** What turns a sentence into another one, however little of it that is. */
const TELLING =
  /\p{N}|^(?:not?|never|none|nobody|nothing|without|neither|nor|cannot|un\w+|nicht|kein\w*|nie|ohne|ne|pas|jamais|sans|nunca|sin|t)$/u

interface Known {
  readonly seq: number
  readonly shingles: ReadonlySet<number>
  readonly telling: string
}

/**
 * Texts that are nearly the same, found by MinHash over their shingles: two are one only where at least nine tenths of
 * their shingles are the same, and all their numbers and negations.
 */
export class NearTexts {
  readonly #byBand = new Map<string, Known[]>()

  /** The number of the first text in its circle that is nearly the same; without one this text is known from now on. */
  add(seq: number, circle: string, text: string): number | undefined {
    const words = text.normalize('NFKC').toLowerCase().match(WORD) ?? []
    if (words.length < LEAST_WORDS) return undefined
    const shingles = shinglesOf(words)
    const telling = words.filter((word) => TELLING.test(word)).join(' ')
    const bands = bandsOf(shingles).map((band, i) => `${i} ${band} ${circle}`)
    for (const band of bands) {
      const near = this.#byBand
        .get(band)
        ?.find((one) => one.telling === telling && likeness(one.shingles, shingles) >= LEAST_ALIKE)
      if (near !== undefined) return near.seq
    }
    const known = { seq, shingles, telling }
    for (const band of bands) {
      const others = this.#byBand.get(band)
      if (others === undefined) this.#byBand.set(band, [known])
      else others.push(known)
    }
    return undefined
  }
}

function shinglesOf(words: readonly string[]): Set<number> {
  const shingles = new Set<number>()
  for (let i = 0; i + SHINGLE <= words.length; i++) {
    shingles.add(hashOf(words.slice(i, i + SHINGLE).join(' ')))
  }
  return shingles
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

function bandsOf(shingles: ReadonlySet<number>): string[] {
  const least = new Uint32Array(BANDS * ROWS).fill(0xffffffff)
  for (const shingle of shingles) {
    for (let i = 0; i < least.length; i++) {
      const hash = mixed(shingle, i)
      if (hash < (least[i] as number)) least[i] = hash
    }
  }
  return Array.from({ length: BANDS }, (_, band) => least.subarray(band * ROWS, (band + 1) * ROWS).join(' '))
}

/** Another order of all numbers for each `i`. */
function mixed(number: number, i: number): number {
  let hash = Math.imul(number ^ Math.imul(i + 1, 0x9e3779b1), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

function likeness(one: ReadonlySet<number>, other: ReadonlySet<number>): number {
  let common = 0
  for (const shingle of one) if (other.has(shingle)) common++
  return common / (one.size + other.size - common)
}
