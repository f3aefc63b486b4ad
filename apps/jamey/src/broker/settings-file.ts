import { dirname, resolve } from 'node:path'
import { OwnershipError, readOwnFile } from '@jamey/auth'
import type { ConfigurationFault } from '@jamey/bus'
import { LineCounter, parseDocument } from 'yaml'

/** The content of a configuration file, not checked yet. */
export interface BrokerFile {
  /** Name as it was given; undefined where none was. */
  readonly name: string | undefined
  /** Relative paths in the file begin here. */
  readonly folder: string
  readonly value: unknown
  /** The reasons why it cannot be read at all. */
  readonly faults: readonly ConfigurationFault[]
}

const MAXIMUM_BYTES = 1_048_576
const EXPECTED = 'a YAML file with the settings of the broker'

/** Reads the file. Never throws: a fault is told with everything else. */
export function readBrokerFile(name: string | undefined, cwd: string): BrokerFile {
  if (name === undefined || name === '') return { name: undefined, folder: cwd, value: {}, faults: [] }
  const path = resolve(cwd, name)
  const folder = dirname(path)
  const unusable = (faults: ConfigurationFault[]): BrokerFile => ({ name, folder, value: {}, faults })
  let text: string
  try {
    text = readOwnFile(path, { maximumBytes: MAXIMUM_BYTES })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const isUntold = !(error instanceof OwnershipError) && code !== 'EFBIG'
    const found = isUntold ? `a path that cannot be read (${code ?? message})` : message
    return unusable([{ variable: name, found, expected: EXPECTED }])
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const problems = [...document.errors, ...document.warnings]
  if (problems.length > 0) {
    return unusable(
      problems.map(({ pos, code, message }) => {
        const { line, col } = lines.linePos(pos[0])
        // Other messages may quote the file, and a key of a secret has its value beside it.
        const found = code === 'DUPLICATE_KEY' ? message : `${code}`
        return { variable: `${name}:${line}:${col}`, found, expected: 'YAML' }
      }),
    )
  }
  try {
    return { name, folder, value: document.toJS({ maxAliasCount: 100 }) ?? {}, faults: [] }
  } catch (error) {
    return unusable([{ variable: name, found: String((error as Error).message), expected: EXPECTED }])
  }
}
