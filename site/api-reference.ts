import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/** What a package gives under one name. */
export interface Exported {
  readonly name: string
  /** Its declaration as the compiler wrote it, without private members. */
  readonly declaration: string
  /** Its docstring, as Markdown. */
  readonly about: string
}

interface Declared {
  readonly file: string
  readonly local: string
}

/**
 * The public names of a package, by its `exports`, from the declarations that the compiler made: each entry with its names
 * in the order of the alphabet. Empty where the package has not been built.
 */
export function readExports(
  folder: string,
): { readonly entry: string; readonly names: readonly Exported[] }[] {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    name: string
    exports?: Readonly<Record<string, string | { readonly types?: string }>>
  }
  return Object.entries(manifest.exports ?? {}).flatMap(([path, target]) => {
    const types = typeof target === 'string' ? undefined : target.types
    if (types === undefined || !existsSync(join(folder, types))) return []
    const names = [...namesIn(join(folder, types))]
      .map(([name, declared]) => describe(name, declared))
      .sort((a, b) => (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1))
    return [{ entry: path === '.' ? manifest.name : `${manifest.name}${path.slice(1)}`, names }]
  })
}

/** The names that a declaration file exports, and where each is declared. */
function namesIn(file: string): Map<string, Declared> {
  const names = new Map<string, Declared>()
  const text = readFileSync(file, 'utf8')
  const inner = (from: string) => resolve(dirname(file), from.replace(/\.js$/, '.d.ts'))
  for (const [, from = ''] of text.matchAll(/^export \* from '(\.[^']+)';/gm)) {
    for (const [name, declared] of namesIn(inner(from))) names.set(name, declared)
  }
  for (const [, list = '', from] of text.matchAll(/^export (?:type )?\{([^}]*)\}(?: from '([^']+)')?;/gm)) {
    for (const part of list.split(',')) {
      const [, local, name = local] = /^\s*(?:type )?(\w+)(?: as (\w+))?\s*$/.exec(part) ?? []
      if (local === undefined || name === undefined) continue
      const declared = from?.startsWith('.') ? namesIn(inner(from)).get(local) : undefined
      names.set(name, declared ?? { file, local })
    }
  }
  for (const [, name = ''] of text.matchAll(DECLARED)) names.set(name, { file, local: name })
  return names
}

const MAXIMUM_LINES = 60

const DECLARED = /^export (?:declare )?(?:abstract )?(?:function|class|interface|type|const|enum) (\w+)/gm

/** Declarations begin at the margin and end with the last line before the next one that does. */
function describe(name: string, { file, local }: Declared): Exported {
  const text = readFileSync(file, 'utf8').replace(/^\/\/# sourceMappingURL.*$/m, '')
  const begins = new RegExp(
    `^(?:export )?(?:declare )?(?:abstract )?(?:function|class|interface|type|const|enum) ${local}\\b`,
    'gm',
  )
  const starts = [...text.matchAll(begins)].map(({ index }) => index)
  const [first = 0] = starts
  const about = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n$/.exec(text.slice(0, first))?.[1] ?? ''
  const declaration = starts.map((start) => statementAt(text, start)).join('\n')
  return { name, declaration: shortened(withoutPrivate(declaration)), about: wordsOf(about) }
}

function statementAt(text: string, start: number): string {
  const rest = text.slice(start)
  const end = /\n(?=export |declare |\/\*\*|type |interface |import )/.exec(rest)?.index ?? rest.length
  return rest.slice(0, end).trim()
}

function withoutPrivate(declaration: string): string {
  return declaration.replace(/^ {4}(?:#private;|private .*;)\n/gm, '').replace(/^export /gm, '')
}

/** Of what the compiler wrote out of schemas nobody reads all. */
function shortened(declaration: string): string {
  const lines = declaration.split('\n')
  if (lines.length <= MAXIMUM_LINES) return declaration
  return [...lines.slice(0, MAXIMUM_LINES), `// and ${lines.length - MAXIMUM_LINES} more lines`].join('\n')
}

/** The words of a docstring; a lone tag is left as it is. */
function wordsOf(docstring: string): string {
  return docstring
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, ''))
    .join('\n')
    .replace(/\{@link (\w+)\}/g, '`$1`')
    .trim()
}

/** One page of Markdown about the public names of a package. */
export function referencePage(folder: string): string {
  const entries = readExports(folder)
  const parts = entries.map(({ entry, names }) => {
    const described = names.map(
      ({ name, declaration, about }) => `### ${name}\n\n${about}\n\n\`\`\`ts\n${declaration}\n\`\`\`\n`,
    )
    return `## ${entry}\n\n${described.join('\n')}`
  })
  const [first] = entries
  return `# Reference of ${first?.entry ?? folder}\n\nWhat it exports, from its declarations and their docstrings.\n\n${parts.join('\n')}`
}
