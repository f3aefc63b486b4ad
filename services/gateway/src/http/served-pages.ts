import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Written by `npm run build`, beside `src` and `dist`. */
const FOLDER = fileURLToPath(new URL('../../pages', import.meta.url))

/** The documents that are served to programs, each read when it is first asked for. */
export class ServedPages {
  readonly #folder: string
  readonly #texts = new Map<string, Promise<string>>()
  #names: Promise<ReadonlySet<string>> | undefined

  constructor(folder = FOLDER) {
    this.#folder = folder
  }

  /** The text of one by its name; undefined where there is none, so that no name leads out of the folder. */
  async text(name: string): Promise<string | undefined> {
    this.#names ??= namesIn(this.#folder)
    if (!(await this.#names).has(name)) return undefined
    let text = this.#texts.get(name)
    if (text === undefined) {
      text = readFile(join(this.#folder, name), 'utf8')
      this.#texts.set(name, text)
    }
    return text
  }
}

async function namesIn(folder: string): Promise<ReadonlySet<string>> {
  try {
    return new Set(await readdir(folder))
  } catch {
    // Run from sources that were not built: there are none.
    return new Set()
  }
}
