import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'

export interface Bundle {
  readonly code: string
  readonly gzipBytes: number
  /** Modules that were to be there at run time: none, for a page has none. */
  readonly imports: readonly string[]
}

/** `entry` as a page gets it: one minified module, with everything that it imports. */
export async function bundle(entry: string): Promise<Bundle> {
  const build = await rolldown({
    input: entry,
    platform: 'browser',
    resolve: { conditionNames: ['@jamey/source', 'browser', 'import', 'default'] },
    // What a bundler leaves alone, because it does not find it or it is of Node, is told by `imports`.
    onLog: () => {},
  })
  const { output } = await build.generate({ format: 'esm', minify: true, codeSplitting: false })
  await build.close()
  const [chunk] = output
  return {
    code: chunk.code,
    gzipBytes: gzipSync(chunk.code).length,
    imports: [...chunk.imports, ...chunk.dynamicImports],
  }
}
