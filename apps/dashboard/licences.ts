import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Plugin } from 'vite'

const PACKAGE = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/

/** Writes assets/LICENSES.txt: what the licences of others ask for where their code is copied. */
export default function licences(): Plugin {
  return {
    name: 'licences',
    generateBundle(_options, bundle) {
      const files = Object.values(bundle).flatMap((part) =>
        part.type === 'chunk' ? Object.keys(part.modules) : [],
      )
      const folders = new Set(files.flatMap((file) => PACKAGE.exec(file)?.[0] ?? []))
      this.emitFile({
        type: 'asset',
        fileName: 'assets/LICENSES.txt',
        source: licencesOf([...folders].sort()),
      })
    },
  }
}

/** Each text once, below the packages and owners that it is of. */
function licencesOf(folders: readonly string[]): string {
  const headsOf = new Map<string, string[]>()
  for (const folder of folders) {
    const { name, version, license } = JSON.parse(
      readFileSync(join(folder, 'package.json'), 'utf8'),
    ) as Record<'name' | 'version' | 'license', string>
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry))
    const text = file === undefined ? '' : readFileSync(join(folder, file), 'utf8')
    const owner = /^Copyright.*$/m.exec(text)?.[0] ?? ''
    const terms = text
      .replace(/^(?:The MIT License.*|MIT License|Copyright.*)$/gm, '')
      .replaceAll(/\s+/g, ' ')
      .trim()
    headsOf.set(terms, [...(headsOf.get(terms) ?? []), `${name} ${version}, ${license}\n${owner}\n`])
  }
  return [...headsOf].map(([terms, heads]) => `${heads.join('\n')}\n${terms}\n`).join('\n')
}
