import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { freePort } from '@jamey/testing'

/** The command line as a user has it after `npm run build`. */
export const REPOSITORY = resolve(import.meta.dirname, '../..')
export const JAMEY = resolve(REPOSITORY, 'apps/jamey/bin/jamey.js')

/** The compiler alone leaves the bundle as it was, and tests would be of what is no more. */
for (const area of ['packages', 'services', 'apps']) {
  for (const name of readdirSync(join(REPOSITORY, area))) {
    const changedMs = (path: string) =>
      statSync(join(REPOSITORY, path), { throwIfNoEntry: false })?.mtimeMs ?? 0
    if (changedMs(`${area}/${name}/tsconfig.tsbuildinfo`) > changedMs('apps/jamey/bundle/LICENSES.txt')) {
      throw new Error(
        `${area}/${name} was compiled after apps/jamey/bundle was made: npm run build makes both`,
      )
    }
  }
}

export interface Outcome {
  code: number | null
  stdout: string
  stderr: string
}

/** A `jamey` process that runs until it is stopped. */
export class Program {
  readonly #child: ChildProcess
  readonly #exit: Promise<Outcome>
  #stdout = ''
  #stderr = ''

  /** `user`: whose process it is, where that is not the one of the tests. */
  constructor(
    cwd: string,
    args: readonly string[],
    env: Record<string, string> = {},
    script = [JAMEY],
    user: { uid?: number; gid?: number } = {},
  ) {
    this.#child = spawn(process.execPath, [...script, ...args], {
      ...user,
      cwd,
      env: { ...cleanEnvironment(), ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text
    })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
    this.#exit = once(this.#child, 'close').then(([code]) => ({
      code: code as number | null,
      stdout: this.#stdout,
      stderr: this.#stderr,
    }))
  }

  get stdout(): string {
    return this.#stdout
  }

  get stderr(): string {
    return this.#stderr
  }

  /** Resolves when everything printed so far matches; rejects when the process ends before. */
  async prints(pattern: RegExp): Promise<void> {
    const isThere = (): boolean => pattern.test(this.#stdout + this.#stderr)
    await new Promise<void>((resolvePrinted, reject) => {
      const look = (): void => {
        if (isThere()) settle(resolvePrinted)
      }
      const end = (): void =>
        settle(() => reject(new Error(`ended before it printed ${pattern}:\n${this.#stdout}${this.#stderr}`)))
      const settle = (action: () => void): void => {
        this.#child.stdout?.off('data', look)
        this.#child.stderr?.off('data', look)
        this.#child.off('close', end)
        action()
      }
      this.#child.stdout?.on('data', look)
      this.#child.stderr?.on('data', look)
      this.#child.on('close', end)
      look()
    })
  }

  input(text: string): void {
    this.#child.stdin?.end(text)
  }

  /** Sends a signal that does not end the process. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Sends a signal; resolves when the process is gone. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Outcome> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill(signal)
    return this.#exit
  }

  ended(): Promise<Outcome> {
    return this.#exit
  }
}

/** A program of its own, with the packages as a user has them after `npm run build`. */
export function runScript(script: string, ...args: string[]): Program {
  return new Program(REPOSITORY, args, {}, ['--input-type=module', '--eval', script, '--'])
}

/** Runs one command to its end. */
export async function jamey(
  cwd: string,
  args: readonly string[],
  input?: string,
  env?: Record<string, string>,
): Promise<Outcome> {
  const program = new Program(cwd, args, env)
  if (input !== undefined) program.input(input)
  return program.ended()
}

/** The variables of whoever runs the tests must not steer the system under test. */
function cleanEnvironment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(MQTT_|JAMEY_|NODE_OPTIONS|VITEST)/.test(name),
  )
  return { ...(Object.fromEntries(kept) as Record<string, string>), NO_COLOR: '1' }
}

export function emptyFolder(): string {
  return mkdtempSync(join(tmpdir(), 'jamey-e2e-'))
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
}

/** `jamey up` in an empty folder, on ports of its own. */
export interface System {
  folder: string
  port: number
  http: string
  program: Program
}

export async function startSystem(folder = emptyFolder(), env: Record<string, string> = {}): Promise<System> {
  const [port, httpPort] = [await freePort(), await freePort()]
  const args = ['up', '--port', String(port), '--http-port', String(httpPort)]
  const program = new Program(folder, args, { JAMEY_HEARTBEAT_SECONDS: '1', ...env })
  await program.prints(/Ctrl-C/)
  return { folder, port, http: `http://127.0.0.1:${httpPort}`, program }
}

/** The authority and the secret that `jamey up` made. */
export function secretsOf(folder: string): { ca: string; secret: string } {
  return {
    ca: readFileSync(join(folder, '.jamey', 'certs', 'ca.crt'), 'utf8'),
    secret: readFileSync(join(folder, '.jamey', 'token-secret'), 'utf8').trim(),
  }
}
