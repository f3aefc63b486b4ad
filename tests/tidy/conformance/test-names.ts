import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

/** Where tests name the rules they hold. */
const FOLDERS = ['packages/protocol/src', 'packages/broker/src', 'tests/interop']
/** Tests, contracts, and the tables that tests take their names from. */
const HOLDS_NAMES = /(\.test|\.contract|vectors|-table)\.ts$/
/** A quoted text on one line with `[MQTT-...]` in it; titles are never broken across lines. */
const TITLE = /(['"`])((?:\\.|(?!\1).)*?\[MQTT-(?:\\.|(?!\1).)*)\1/g
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
  /** What stands in its brackets, such as `MQTT-3.1.0-2` or `MQTT-3.1.2-2 of 3.1.1`. */
  rules: readonly string[]
}

/** Every title that names a rule, by reading the sources: titles made while tests run would not be found. */
export function findTestNames(root: string): TestName[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => HOLDS_NAMES.test(name) && !name.includes('node_modules'))
      .sort()
      .flatMap((name) => namesIn(root, join(root, folder, name))),
  )
}

function namesIn(root: string, path: string): TestName[] {
  const file = relative(root, path)
  const groups: { indent: string; title: string }[] = []
  return readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((text, index) => {
      if (COMMENT.test(text)) return []
      const names = [...text.matchAll(TITLE)].map((match) => {
        const title = match[2] as string
        const rules = [...title.matchAll(/\[(MQTT-[^\]]*)\]/g)].map((rule) => rule[1] as string)
        return { file, line: index + 1, group: groups.at(-1)?.title, title, rules }
      })
      const [, indent, , title] = GROUP.exec(text) ?? []
      if (indent !== undefined && title !== undefined) groups.push({ indent, title })
      if (END.exec(text)?.[1] === groups.at(-1)?.indent) groups.pop()
      return names
    })
}
