import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

/** Tests, contracts, and the tables that tests take their names from. */
const HOLDS_NAMES = /(\.test|\.contract|vectors|-table)\.ts$/
const COMMENT = /^\s*(\/\/|\/?\*)/
/** The formatter has every group begin and end on lines of their own, equally far in. */
const GROUP = /^(\s*)describe\b.*\((['"`])((?:\\.|(?!\2).)*)\2/
const END = /^(\s*)\}\)$/

/** A test, or a group of them, whose title names rules. */
export interface TestName {
  /** From the root of the repository. */
  file: string
  line: number
  /** Of the innermost group it stands in, if any. */
  group: string | undefined
  title: string
  /** What stands in its brackets, such as `MQTT-3.1.0-2`, `MQTT-3.1.2-2 of 3.1.1` or `promises 3, 29`. */
  rules: readonly string[]
}

/**
 * Every title below `folders` with brackets that begin with `word`, by reading the sources: titles made while tests run
 * would not be found. Titles are never broken across lines.
 */
export function findTestNames(root: string, folders: readonly string[], word: string): TestName[] {
  const titles = new RegExp(`(['"\`])((?:\\\\.|(?!\\1).)*?\\[${word}(?:\\\\.|(?!\\1).)*)\\1`, 'g')
  const brackets = new RegExp(`\\[(${word}[^\\]]*)\\]`, 'g')
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => HOLDS_NAMES.test(name) && !name.includes('node_modules'))
      .sort()
      .flatMap((name) => namesIn(root, join(root, folder, name), titles, brackets)),
  )
}

/** `broker/will`: what it is called, without the brackets. */
export function shownName({ file, group, title }: TestName): string {
  const place = file.replace(/^(packages|services|apps|tests)\//, '').replace('/src/', '/')
  const words = `${group === undefined ? '' : `${group} `}${title}`
    .replace(/ ?\[(MQTT|promise)[^\]]*\]/g, '')
    // What stands for a value of the row that is run.
    .replace(/%(\.\d+)?[a-z]|\$\{?\w+\}?/g, '\u2026')
    .replaceAll('|', '\\|')
    .replaceAll('<', '&lt;')
  return `\`${place.replace(/(\.slow)?(\.test)?\.ts$/, '')}\`: ${words}`
}

function namesIn(root: string, path: string, titles: RegExp, brackets: RegExp): TestName[] {
  const file = relative(root, path)
  const groups: { indent: string; title: string }[] = []
  return readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((text, index) => {
      if (COMMENT.test(text)) return []
      const names = [...text.matchAll(titles)].map((match) => {
        const title = match[2] as string
        const rules = [...title.matchAll(brackets)].map((rule) => rule[1] as string)
        return { file, line: index + 1, group: groups.at(-1)?.title, title, rules }
      })
      const [, indent, , title] = GROUP.exec(text) ?? []
      if (indent !== undefined && title !== undefined) groups.push({ indent, title })
      if (END.exec(text)?.[1] === groups.at(-1)?.indent) groups.pop()
      return names
    })
}
