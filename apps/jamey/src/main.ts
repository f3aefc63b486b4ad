import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Bundle } from './bundle.js'
import type * as CommandProcess from './command-process.js'

/** The commands that serve, and the one that looks at them, use packages with threads and files of their own. */
const UNBUNDLED: readonly string[] = [
  'up',
  'run',
  'broker',
  'backup',
  'restore',
  'doctor',
  'policy',
  'contracts',
  'verdicts',
  'mcp',
]

const folder = fileURLToPath(new URL('../bundle', import.meta.url))
const command = process.argv.slice(2).find((word) => !word.startsWith('-')) ?? 'help'
const isBundled = !UNBUNDLED.includes(command) && existsSync(folder)
const { runProcess } = isBundled
  ? (new Bundle(folder, command).load('command-process.cjs') as typeof CommandProcess)
  : await import('./command-process.js')
await runProcess()
