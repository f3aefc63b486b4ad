import type { Program } from './program.js'
import { PROGRAMS } from './programs.js'

/** Several versions of it have their numbers behind their name. */
const VERSIONED =
  /^(python|pypy|pip|ruby|php|lua|gcc|g\+\+|clang|clang\+\+|clang-format|clang-tidy)-?\d[\d.]*$/

/** What is known of a program by its name alone. */
export function programOf(name: string): Program | undefined {
  const found = PROGRAMS.get(name)
  if (found !== undefined) return found
  if (name.startsWith('mkfs.')) return PROGRAMS.get('mkfs')
  const base = VERSIONED.exec(name)?.[1]
  return base === undefined ? undefined : PROGRAMS.get(base)
}
