import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

export const run = promisify(execFile)
export const root = resolve(import.meta.dirname, '../..')
/** Programs of the workspace. */
export const bin = (name: string): string => join(root, 'node_modules/.bin', name)

export const packageNames = (await readdir(join(root, 'packages'))).sort()

/** What would be published, packed into a folder of its own. */
export class Tarballs {
  readonly folder: string
  readonly #byName = new Map<string, string>()

  private constructor(folder: string) {
    this.folder = folder
  }

  static async pack(): Promise<Tarballs> {
    const tarballs = new Tarballs(await mkdtemp(join(tmpdir(), 'jamey-packages-')))
    for (const name of packageNames) {
      const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', tarballs.folder], {
        cwd: join(root, 'packages', name),
      })
      tarballs.#byName.set(name, join(tarballs.folder, stdout.trim()))
    }
    return tarballs
  }

  path(name: string): string {
    const path = this.#byName.get(name)
    if (path === undefined) throw new Error(`there is no package ${name}`)
    return path
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true })
  }
}
