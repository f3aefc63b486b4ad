const LONGEST_SCRIPT = 10_000
/** `s` and `y` with whatever stands between their parts, and the flags. */
const SUBSTITUTION = /[sy]([^\w\s\\])(?:\\[\s\S]|(?!\1)[^\\])*\1(?:\\[\s\S]|(?!\1)[^\\])*\1([a-zA-Z\d]*)/g
/** Lines that are chosen by what stands in them: `/a/`, `\,a,`. */
const ADDRESS = /\\(.)(?:\\[\s\S]|(?!\1)[^\\])*\1|\/(?:\\[\s\S]|[^/\\])*\//g
/** Text that is put in. */
const TEXT = /(^|[;{}\n\d$!\s])[aic](?:\\|\s)[^\n]*/g
/** A command that writes a file, or runs something. */
const ACTS = /(?:^|[;{}\n!\d$,\s])(?:[wW]\s*[./~\w]|e(?:\s|;|$))/
/** What looks like one in any of its words. */
const LOOKS_ACTING =
  /(?:^|[;{\n])\s*(?:\d+|\$|\/[^/]*\/)?\s*[eEwW](?:\s|$)|\/[gpiI\d]*[ewW][gpiI\d]*(?:\s|;|$)/

/** Whether the script that sed is given among its words runs programs or writes files. */
export function sedActs(texts: readonly string[]): boolean {
  if (texts.some((text) => !text.startsWith('-') && LOOKS_ACTING.test(text))) return true
  const given = texts.flatMap((text, i) => {
    if (/^(?:-[nErsuz]*e|--expression)$/.test(text)) return texts[i + 1] ?? []
    return /^--expression=(.*)$/s.exec(text)?.[1] ?? []
  })
  const first = texts.find((text) => text !== '' && !text.startsWith('-'))
  return [...given, ...(given.length === 0 && first !== undefined ? [first] : [])].some(acts)
}

function acts(script: string): boolean {
  if (script.length > LONGEST_SCRIPT) return true
  let hasFlag = false
  const rest = script.replace(SUBSTITUTION, (_, __, flags: string) => {
    hasFlag ||= /[ewW]/.test(flags)
    return ''
  })
  return hasFlag || ACTS.test(rest.replace(ADDRESS, '').replace(TEXT, '$1'))
}
