/** A file that a patch changes, and how. */
export interface PatchedFile {
  readonly text: string
  readonly access: 'write' | 'delete'
}

/** A header of a patch for agents; whatever stands before it is taken for blanks, as their readers do. */
const MARKER =
  /^\W{0,8}\*{3}\s*(add|create|update|modify|edit|delete|remove|rename|move)\b(?:\s+file)?(?:\s+to)?\s*:(.+)$/i
/** A header of a unified diff, with the time that some programs put behind a tab. */
const UNIFIED =
  /^[ \t]*(?:---|\+\+\+|\*{3}(?! (?:Begin|End) )(?!.*:\s)|Index:|rename (?:from|to)|copy to)\s+([^\t]+)/
/** Wherever some reader parts lines, Python's among them. */
const LINE_END = /\r\n|(?!\t)\p{Cc}|[\u2028\u2029]/u
const NOTHING_LEFT = /^[ \t]*\+\+\+\s+\/dev\/null\b/
const DELETES = /^(?:delete|remove)$/i

/**
 * The files that a patch names: `*** Add File: src/a.ts` as agents write it, and `+++ b/src/a.ts` of a unified diff. Lines
 * of a diff that look like a header count as one: what is said too much makes a verdict stricter.
 */
export function filesInPatch(patch: string): PatchedFile[] {
  const found = new Map<string, PatchedFile>()
  let before: string | undefined
  for (const line of patch.split(LINE_END)) {
    // The file that is before it is no more behind it.
    if (before !== undefined && NOTHING_LEFT.test(line))
      found.set(`delete ${before}`, { text: before, access: 'delete' })
    const [, verb = '', named] = MARKER.exec(line) ?? []
    const text = (named ?? unifiedFile(line))?.trim()
    if (text === undefined || text === '') continue
    if (/^[ \t]*---/.test(line)) before = text
    const access = DELETES.test(verb) ? 'delete' : 'write'
    found.set(`${access} ${text}`, { text, access })
  }
  return [...found.values()]
}

function unifiedFile(line: string): string | undefined {
  const named = UNIFIED.exec(line)?.[1]
    ?.trim()
    .replace(/^"(.*)"$/, (_, quoted: string) => unescaped(quoted))
  if (named === undefined || named === '/dev/null') return undefined
  return named.replace(/^[ab]\//, '')
}

/** As git writes names: `"b/\303\244"`. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3}|.)/g, (_, code: string) =>
    code.length === 3 ? String.fromCharCode(Number.parseInt(code, 8)) : code,
  )
}
