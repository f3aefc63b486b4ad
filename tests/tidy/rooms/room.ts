import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

/** What a folder's README.md says of it. */
export interface Room {
  readonly about: string
  readonly mayImport: readonly string[]
}

const FORM =
  /^# (?<name>[a-z0-9-]+)\n\n(?<about>(?:.+\n|\n(?!May import))+)\nMay import: (?<list>[a-z0-9-]+(?:, [a-z0-9-]+)*)\.\n$/

/** A text where the folder says nothing, or says it otherwise. */
export function readRoom(folder: string): Room | string {
  const path = join(folder, 'README.md')
  if (!existsSync(path)) return 'has no README.md'
  const groups = FORM.exec(readFileSync(path, 'utf8'))?.groups
  if (groups === undefined) return 'README.md is not "# name", sentences, "May import: a, b."'
  const { name = '', about = '', list = '' } = groups
  if (name !== basename(folder)) return `README.md is headed ${name}`
  return { about: about.trim(), mayImport: list === 'nothing' ? [] : list.split(', ') }
}
