import { existsSync } from 'node:fs'
import { basename, delimiter, dirname, join, relative } from 'node:path'
import { shellWord } from '../support/shell-word.js'

/** The part of `process` that tells how it was started. */
export interface Start {
  readonly argv: readonly string[]
  readonly env: NodeJS.ProcessEnv
  cwd(): string
}

/**
 * The words that start this program again from this folder: `jamey` where it is installed, `npx jamey` where npx finds
 * this one, else the path. Never `npx jamey` anywhere else, where npx would fetch whatever package has that name.
 */
export function startedAs({ argv, env, cwd }: Start): string {
  const path = argv[1] ?? ''
  const folder = cwd()
  const isLocal = existsSync(join(folder, 'node_modules', '.bin', 'jamey'))
  // npm tells of itself to all that it starts: npx as 'exec', a script by its name.
  const isByNpm = env['npm_command'] !== undefined && env['npm_lifecycle_event'] !== undefined
  if (isByNpm && isLocal) return 'npx jamey'
  const isCommand = basename(path) === 'jamey'
  if (isCommand && firstOnPath(env['PATH'] ?? '') === dirname(path)) return 'jamey'
  if (isCommand && path === join(folder, 'node_modules', '.bin', 'jamey')) return 'npx jamey'
  const short = relative(folder, path)
  const shown = short.startsWith('..') ? path : short
  if (!isCommand) return `node ${shellWord(shown)}`
  // A bare word would be looked for on the path.
  return shellWord(shown.includes('/') ? shown : `./${shown}`)
}

function firstOnPath(path: string): string | undefined {
  return path.split(delimiter).find((folder) => folder !== '' && existsSync(join(folder, 'jamey')))
}

/**
 * Hints name commands as `jamey ...`, in backquotes or on an indented line of their own; this makes them what can be
 * typed here. `npm start` takes the options of `up` behind `--`.
 */
export function asStarted(text: string, command: string, isNpmStart = false): string {
  return text.replace(/(?<=`|^ +)jamey( up\b)?(?=[ `]|$)/gm, (_, up: string | undefined, at: number) => {
    if (up === undefined || !isNpmStart) return command + (up ?? '')
    const hasOptions = text[at + 'jamey up'.length] === ' '
    return hasOptions ? 'npm start --' : 'npm start'
  })
}

/** True where `npm start` of this folder is what runs. */
export function isNpmStart(env: NodeJS.ProcessEnv): boolean {
  return env['npm_lifecycle_event'] === 'start' && env['npm_command'] !== undefined
}
