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

/** The folder of every workspace by its name without scope. */
const workspaces = new Map<string, string>()
for (const area of ['packages', 'services', 'apps']) {
  for (const name of await readdir(join(root, area))) workspaces.set(name, `${area}/${name}`)
}

interface Packed {
  readonly name: string
  readonly filename: string
}

/** What would be published, packed into a folder of its own as `npm run pack:all` does. */
export class Tarballs {
  readonly folder: string
  readonly #byName = new Map<string, string>()

  private constructor(folder: string) {
    this.folder = folder
  }

  static async pack(): Promise<Tarballs> {
    const tarballs = new Tarballs(await mkdtemp(join(tmpdir(), 'jamey-packages-')))
    const options = ['--silent', '--json', '--workspaces', '--pack-destination', tarballs.folder]
    const { stdout } = await run('npm', ['pack', ...options], { cwd: root, maxBuffer: 2 ** 26 })
    for (const { name, filename } of JSON.parse(stdout) as Packed[]) {
      tarballs.#byName.set(name.replace('@jamey/', ''), join(tarballs.folder, filename))
    }
    return tarballs
  }

  path(name: string): string {
    return known(name, this.#byName.get(name))
  }

  /** Of its sources, such as `packages/mqtt`. */
  folderOf(name: string): string {
    return known(name, workspaces.get(name))
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true })
  }
}

function known(name: string, found: string | undefined): string {
  if (found === undefined) throw new Error(`there is no package ${name}`)
  return found
}
