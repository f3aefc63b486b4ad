import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Pair, setOfPairs } from './pairs.js'
import type { EvaluationSet } from './sets.js'

const DPKG_STATUS = '/var/lib/dpkg/status'
const LIBRARIES = '/usr/lib'

/** Descriptions of the packages of Debian that are installed here, by their synopses. */
export function packageDescriptions(): EvaluationSet {
  const stanzas = existsSync(DPKG_STATUS) ? readFileSync(DPKG_STATUS, 'utf8').split('\n\n') : []
  const pairs = stanzas.flatMap((stanza): Pair[] => {
    const [, question, body] = /^Description: (.*)\n((?: .*\n?)+)/m.exec(stanza) ?? []
    return question === undefined || body === undefined
      ? []
      : [{ question, content: body.replace(/^ \.?/gm, ' ') }]
  })
  return setOfPairs('packages by synopsis', pairs)
}

/** Documentation strings of Python's library by their first paragraphs. */
export function docstrings(): EvaluationSet {
  const python = existsSync(LIBRARIES)
    ? readdirSync(LIBRARIES).find((name) => /^python3\.\d+$/.test(name))
    : undefined
  const folder = join(LIBRARIES, python ?? 'python3')
  const files = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : []
  const pairs: Pair[] = []
  for (const name of files.filter((one) => one.endsWith('.py')).toSorted()) {
    const text = readFileSync(join(folder, name), 'utf8')
    for (const [, whole = ''] of text.matchAll(/(?:def|class) [^\n]*:\n\s+r?"""([^"]*)"""/g)) {
      const [question = '', ...rest] = whole.split(/\n\s*\n/)
      pairs.push({ question, content: rest.join(' ') })
    }
  }
  return setOfPairs('docstrings by first paragraph', pairs)
}

/** What packages of npm tell about themselves, by their one line in `package.json`. */
export function readmes(modules: string): EvaluationSet {
  const pairs = packagesIn(modules).flatMap((folder): Pair[] => {
    const [manifest, readme] = [join(folder, 'package.json'), join(folder, 'README.md')]
    if (!existsSync(manifest) || !existsSync(readme)) return []
    const { description = '' } = JSON.parse(readFileSync(manifest, 'utf8')) as { description?: string }
    const lines = readFileSync(readme, 'utf8').split('\n')
    const told = lines.filter((line) => !/^\s*(?:#|!|\[|<|>|```)/.test(line) && !line.includes(description))
    return description === '' ? [] : [{ question: description, content: told.join(' ') }]
  })
  return setOfPairs('readmes by description', pairs)
}

/** Folders of packages, in the order of their names. */
export function packagesIn(modules: string): string[] {
  const names = readdirSync(modules).filter((name) => !name.startsWith('.'))
  return names
    .toSorted()
    .flatMap((name) =>
      name.startsWith('@')
        ? readdirSync(join(modules, name)).map((inner) => join(modules, name, inner))
        : [join(modules, name)],
    )
}
