import { gzipSync } from 'node:zlib'
import { type OutputChunk, type RolldownBuild, rolldown } from 'rolldown'

export interface Bundle {
  /** One minified module with everything in it. */
  readonly code: string
  /** What a page fetches at first, and what it fetches only when it asks for it. */
  readonly gzipBytes: number
  readonly laterGzipBytes: number
  /** Modules that were to be there at run time: none, for a page has none. */
  readonly imports: readonly string[]
}

/** `entry` as a page gets it. */
export async function bundle(entry: string): Promise<Bundle> {
  const build = await rolldown({
    input: entry,
    platform: 'browser',
    resolve: { conditionNames: ['@jamey/source', 'browser', 'import', 'default'] },
    preserveEntrySignatures: 'allow-extension',
    // What a bundler leaves alone, because it does not find it or it is of Node, is told by `imports`.
    onLog: () => {},
  })
  const [whole] = await chunksOf(build, false)
  const parts = await chunksOf(build, true)
  await build.close()
  const bytes = (chunks: OutputChunk[]): number =>
    chunks.reduce((sum, { code }) => sum + gzipSync(code).length, 0)
  return {
    code: whole?.code ?? '',
    gzipBytes: bytes(parts.filter(({ isDynamicEntry }) => !isDynamicEntry)),
    laterGzipBytes: bytes(parts.filter(({ isDynamicEntry }) => isDynamicEntry)),
    imports: [...(whole?.imports ?? []), ...(whole?.dynamicImports ?? [])].filter(
      (name) => name !== whole?.fileName,
    ),
  }
}

async function chunksOf(build: RolldownBuild, codeSplitting: boolean): Promise<OutputChunk[]> {
  const { output } = await build.generate({ format: 'esm', minify: true, codeSplitting })
  return output.filter((part) => part.type === 'chunk')
}
