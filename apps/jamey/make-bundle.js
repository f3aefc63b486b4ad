import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

/**
 * Writes `bundle`: the commands that a person waits for in few files, out of what the compiler wrote into `dist` of this
 * and the other packages. `src/bundle.ts` runs it.
 */

const here = fileURLToPath(new URL('.', import.meta.url))
const folder = join(here, 'bundle')
/** A command that starts meanwhile finds the old bundle, or the new one. */
const draft = `${folder}.new`

/** The commands that `src/main.ts` never takes from the bundle. */
const LEFT_OUT =
  /\/(commands\/(up|run|backup|restore|broker|broker-backup|doctor|offline\/[\w-]+|bridging\/[\w-]+|mcp\/\w+)|program\/mcp-commands)\.js$/
/** Packages with native code, threads or files of their own, imported when they are needed; the bus speaks no WebSocket. */
const OTHERS = /^(@jamey\/(store|memory|metrics|tracing)|ws)$/

const build = await rolldown({
  input: join(here, 'dist/command-process.js'),
  platform: 'node',
  external: (id, _importer, isResolved) => (isResolved && LEFT_OUT.test(id)) || OTHERS.test(id),
  // A module that is imported both at once and when it is needed is there at once, which is meant.
  checks: { ineffectiveDynamicImport: false },
})
rmSync(draft, { recursive: true, force: true })
const { output } = await build.write({
  dir: draft,
  format: 'cjs',
  // As `src/bundle.ts` hands it to them.
  plugins: [
    { name: 'import-other', renderChunk: (code) => code.replaceAll(/\bimport\((?=")/g, 'importOther(') },
  ],
  comments: { legal: true, annotation: false, jsdoc: false },
  // Names stay, for whoever reads where an error came from.
  minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
  entryFileNames: '[name].cjs',
  chunkFileNames: '[name]-[hash].cjs',
  // Faults of JSON are looked for by whoever takes any.
  codeSplitting: { groups: [{ name: 'json', test: /\/contracts\/dist\/json\// }] },
})
await build.close()

const modules = output.flatMap((part) => (part.type === 'chunk' ? Object.keys(part.modules) : []))
writeFileSync(join(draft, 'LICENSES.txt'), licenses(modules))
rmSync(folder, { recursive: true, force: true })
renameSync(draft, folder)

/**
 * What the licenses of others ask for where their code is copied.
 * @param {readonly string[]} files
 */
function licenses(files) {
  const folders = new Set(
    files.flatMap((file) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []),
  )
  return [...folders]
    .sort()
    .map(licenseOf)
    .join(`\n${'-'.repeat(80)}\n\n`)
}

/** @param {string} packageFolder */
function licenseOf(packageFolder) {
  const { name, version, license } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'))
  const file = readdirSync(packageFolder).find((entry) => /^licen[cs]e/i.test(entry))
  const text = file === undefined ? '' : readFileSync(join(packageFolder, file), 'utf8')
  return `${name} ${version}, ${license}\n\n${text.trim()}\n`
}
