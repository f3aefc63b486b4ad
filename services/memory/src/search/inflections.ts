/** Shorter words have no forms worth the false hits. */
const SHORTEST = 3

/**
 * The regular forms that an English word may take in a text: 'deleting' gives 'delete', 'deleted', 'deletes' and
 * so on; other words, and other languages, just themselves. It may invent forms that do not exist, which then
 * match nothing.
 *
 * Forms are spelt out when searching, rather than words cut to their stems when storing (`porter`), because a
 * stemmed index cannot find the beginning of a word reliably ('lis' would be cut to 'li'), treats every language
 * as English, and could only be changed by indexing everything anew.
 */
export function inflections(word: string): string[] {
  const lower = word.toLowerCase()
  if (!/^[a-z]+$/.test(lower) || lower.length < SHORTEST) return [word]
  const forms = new Set([lower])
  for (const base of basesOf(lower)) {
    if (base.length < SHORTEST) continue
    for (const form of formsOf(base)) forms.add(form)
  }
  return [...forms]
}

/** The words of which `word` may be a form. */
function basesOf(word: string): string[] {
  const bases = [word]
  if (/..(ies|ied)$/.test(word)) bases.push(`${word.slice(0, -3)}y`)
  if (/(s|x|z|ch|sh|o)es$/.test(word)) bases.push(word.slice(0, -2))
  if (/..[^s]s$/.test(word)) bases.push(word.slice(0, -1))
  if (/...ed$/.test(word)) bases.push(word.slice(0, -2), word.slice(0, -1), single(word.slice(0, -2)))
  if (/...ing$/.test(word)) bases.push(word.slice(0, -3), `${word.slice(0, -3)}e`, single(word.slice(0, -3)))
  return bases
}

function formsOf(base: string): string[] {
  const forms = [base, `${base}s`, `${base}ed`, `${base}ing`]
  if (/(s|x|z|ch|sh|o)$/.test(base)) forms.push(`${base}es`)
  if (base.endsWith('e')) forms.push(`${base}d`, `${base.slice(0, -1)}ing`)
  if (/[^aeiou]y$/.test(base)) forms.push(`${base.slice(0, -1)}ies`, `${base.slice(0, -1)}ied`)
  if (/[^aeiou][aeiou][bdglmnprt]$/.test(base)) {
    forms.push(`${base}${base.at(-1)}ed`, `${base}${base.at(-1)}ing`)
  }
  return forms
}

/** 'stopp' of 'stopped' to 'stop'. */
function single(stem: string): string {
  return /([bdglmnprt])\1$/.test(stem) ? stem.slice(0, -1) : stem
}
