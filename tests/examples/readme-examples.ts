import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

export const root = resolve(import.meta.dirname, '../..')

export interface ReadmeExample {
  /** The folder of the README: `packages/mqtt`. */
  readonly folder: string
  readonly number: number
  readonly program: string
  /** What the comment at its end says it prints. */
  readonly prints: string
}

const MARK = '// prints:\n'

/** The comment at the end of an example says what it prints. */
export function promisedBy(program: string): string {
  const lines = program
    .slice(program.indexOf(MARK) + MARK.length)
    .trimEnd()
    .split('\n')
  return lines.map((line) => line.replace(/^\/\/ ?/, '')).join('\n')
}

/** Folders that have to have a README. */
export const readmeFolders: readonly string[] = ['packages', 'services', 'apps'].flatMap((area) =>
  readdirSync(join(root, area))
    .sort()
    .map((name) => `${area}/${name}`)
    .filter((folder) => existsSync(join(root, folder, 'package.json'))),
)

/** Every block of JavaScript in a README that says what it prints. */
export function examplesOf(folder: string): ReadmeExample[] {
  const path = join(root, folder, 'README.md')
  const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
  return [...text.matchAll(/^```js\n(.*?)^```/gms)]
    .map(([, program = '']) => program)
    .filter((program) => program.includes(MARK))
    .map((program, i) => ({ folder, number: i + 1, program, prints: promisedBy(program) }))
}

/** Runs a program as a file in `cwd` would run, and gives what it printed. */
export function runProgram(program: string, cwd: string): Promise<{ stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--input-type=module', '-'], { cwd, timeout: 30_000 })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (chunk) => {
      stdout += chunk
    })
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve({ stdout: stdout.trimEnd(), stderr })
      else reject(new Error(`the program ended with ${code}: ${stderr}`))
    })
    child.stdin.end(program)
  })
}
