import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, join } from 'node:path'
import { Script } from 'node:vm'
import { crc32 } from 'node:zlib'
import { EXIT } from './support/exit-codes.js'

type Chunk = (
  exports: unknown,
  require: (id: string) => unknown,
  module: { exports: unknown },
  filename: string,
  dirname: string,
  importOther: (id: string) => Promise<unknown>,
) => void

const PARAMETERS = 'exports, require, module, __filename, __dirname, importOther'

/** Imports what is not in the bundle, from where this file is. Code that was kept forgets how to `import` by itself. */
const importOther = (id: string): Promise<unknown> => import(id)

interface Compiled {
  readonly script: Script
  readonly source: Buffer
  readonly path: string
}

/**
 * The command line in few files (`make-bundle.js` writes them), and what V8 compiled of them when the same command ran
 * before: most of a short command's time is reading and compiling what it is made of. The code lies beside its source,
 * so that whoever could change it could have changed the source.
 */
export class Bundle {
  readonly #folder: string
  readonly #codeFolder: string
  readonly #requireOther: NodeJS.Require
  readonly #chunks = new Map<string, { exports: unknown }>()
  readonly #compiled: Compiled[] = []

  /** Each command has compiled code of its own, since V8 compiles a function when it is first called. */
  constructor(folder: string, command: string, host: Pick<NodeJS.Process, 'once'> = process) {
    this.#folder = folder
    this.#codeFolder = join(folder, 'code', /^[a-z]+$/.test(command) ? command : 'help')
    this.#requireOther = createRequire(join(folder, 'command-process.cjs'))
    host.once('exit', (code) => this.#keepCode(code))
  }

  /** The exports of one file of the bundle. */
  load(file: string): unknown {
    const known = this.#chunks.get(file)
    if (known !== undefined) return known.exports
    const path = join(this.#folder, file)
    const module = { exports: {} as unknown }
    this.#chunks.set(file, module)
    const chunk = this.#compile(path).runInThisContext() as Chunk
    chunk(module.exports, (id) => this.#require(id), module, path, this.#folder, importOther)
    return module.exports
  }

  #require(id: string): unknown {
    return id.startsWith('./') ? this.load(id.slice(2)) : this.#requireOther(id)
  }

  #compile(path: string): Script {
    const source = readFileSync(path)
    const cachedData = readCode(this.#codeFile(path), path, source)
    const text = `(function (${PARAMETERS}) {${source.toString('utf8')}\n})`
    const script = new Script(text, { filename: path, cachedData })
    if (cachedData === undefined || script.cachedDataRejected === true) {
      this.#compiled.push({ script, source, path })
    }
    return script
  }

  #codeFile(path: string): string {
    return join(this.#codeFolder, `${basename(path)}.code`)
  }

  /**
   * Keeps the code after a command that did what it is for: others have compiled too little, and any word can be typed.
   */
  #keepCode(exitCode: number): void {
    if (this.#compiled.length === 0 || (exitCode !== EXIT.success && exitCode !== EXIT.refused)) return
    try {
      mkdirSync(this.#codeFolder, { recursive: true })
      for (const { script, source, path } of this.#compiled) {
        const code = script.createCachedData()
        writeFileSync(this.#codeFile(path), Buffer.concat([checksum(path, source, code), code]))
      }
    } catch {
      // The next command compiles again where nothing can be written.
    }
  }
}

/** The code that was kept for this source. Half-written, damaged or foreign code has another checksum. */
function readCode(file: string, path: string, source: Buffer): Buffer | undefined {
  try {
    const kept = readFileSync(file)
    const code = kept.subarray(CHECKSUM_BYTES)
    return checksum(path, source, code).equals(kept.subarray(0, CHECKSUM_BYTES)) ? code : undefined
  } catch {
    return undefined
  }
}

const CHECKSUM_BYTES = 4

/** V8 itself looks at its version, its flags and the length of the source; code names the path that it was made from. */
function checksum(path: string, source: Buffer, code: Buffer): Buffer {
  const bytes = Buffer.alloc(CHECKSUM_BYTES)
  bytes.writeUInt32LE(crc32(code, crc32(source, crc32(`${process.version} ${process.arch} ${path}`))))
  return bytes
}
