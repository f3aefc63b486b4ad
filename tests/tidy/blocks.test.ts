import { execFile, execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { parsePolicy, parsePolicyCases } from '@jamey/conscience'
import { readManifest } from '@jamey/manifest'
import { describe, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { methodsAt } from '../../services/gateway/src/api/endpoints.js'
import { type Block, blocksOf, codeSpansOf } from './blocks/blocks.js'
import { objectionTo } from './blocks/jamey-command.js'
import { commandsIn } from './blocks/shell.js'

/** Every block of code of every page: in a language that is named, and as far as it can be checked without being run. */

const root = resolve(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const pages = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
  cwd: root,
})
  .toString()
  .trim()
  .split('\n')
const blocks = pages.flatMap((page) => blocksOf(read(page)).map((block) => ({ ...block, page })))
type Placed = (typeof blocks)[number]

/** Who runs the blocks of a page, and of which languages. The READMEs' programs are those that say what they print. */
const RUN_BY: readonly (readonly [pages: RegExp, languages: RegExp, test: string])[] = [
  [/^(packages|services)\/[\w-]+\/README\.md$/, /^js$/, 'tests/examples/readme.slow.test.ts'],
  [/^docs\/(quick-start|guides\/\w+)\.md$/, /^(sh|js|ini|yaml)$/, 'tests/examples/guides.slow.test.ts'],
  [/^docs\/memories\.md$/, /^(sh|json)$/, 'tests/examples/memories.slow.test.ts'],
  [/^docs\/agents\.md$/, /^js$/, 'tests/examples/agents.slow.test.ts'],
  [/^docs\/deployment\.md$/, /^(sh|ini|conf|yaml)$/, 'tests/e2e/deployment.slow.test.ts, tests/interop'],
  [/^docs\/approvals\.md$/, /^console$/, 'tests/e2e/approvals.slow.test.ts'],
  [/^docs\/other-clients\.md$/, /^sh$/, 'tests/interop/other-clients.test.ts'],
  [/^(README|docs\/tracing)\.md$/, /^js$/, 'tests/examples/guides.slow.test.ts'],
  [
    /^docs\/(configuration|bridge)\.md$/,
    /^yaml$/,
    'apps/jamey/src/broker/settings.test.ts, bridge/settings.test.ts',
  ],
  [/^docs\/wire\.md$/, /^json$/, 'packages/bus/src/entry/wire-document.test.ts, tests/specifications'],
]
/** What was or is promised, and names of formats that begin as a command does. */
const OF_OTHER_TIMES = /^docs\/(adr\/|promises|upgrading)|^CHANGELOG/
/** Of other programs, which read them in tests/interop, and pictures. */
const UNREAD = /^(conf|erlang|text)$/

const isRun = ({ page, language, marker, text }: Placed) =>
  marker === undefined &&
  RUN_BY.some(([of, languages]) => of.test(page) && languages.test(language)) &&
  (language !== 'js' || !page.endsWith('README.md') || text.includes('// prints:'))
const placeOf = ({ page, line }: Placed) => `${page}:${line}`
const inLanguage = (...languages: string[]) => blocks.filter(({ language }) => languages.includes(language))
const named = (some: readonly Placed[]) => some.map((block) => [placeOf(block), block] as const)

/** The commands of a block: of a session of a terminal, the lines behind the dollar sign. */
function scriptOf({ language, text }: Block): string {
  if (language === 'sh') return text
  return [...text.matchAll(/^(?:\w+)?\$ +(.*(?:\\\n.*)*)$/gm)].map(([, command]) => command).join('\n')
}

/** What is wrong with one command. */
async function faultOf(words: readonly string[]): Promise<string | undefined> {
  const [first, ...rest] = words[0] === 'npx' ? words.slice(1) : words
  const jamey = words.indexOf('jamey')
  if (first === 'jamey') return objectionTo(rest, true)
  if (first === 'runuser' || first === 'sudo')
    return jamey < 0 ? undefined : objectionTo(words.slice(jamey + 1), true)
  if (first === 'npm' && rest[0] === 'run') {
    const script = rest.slice(1).find((word) => !word.startsWith('-')) ?? ''
    return script in scripts ? undefined : `npm run ${script}: there is no such script`
  }
  if (first === 'curl') {
    const url = words.find((word) => /^http:\/\/127\.0\.0\.1:8080/.test(word))
    if (url === undefined) return undefined
    const { pathname } = new URL(url.replace(/\$\{?\w+\}?/g, 'x'))
    return methodsAt(pathname).length > 0 ? undefined : `${pathname}: the gateway has nothing there`
  }
  return undefined
}
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }

describe('blocks of code', () => {
  it('name their language', () => {
    expect(blocks.filter(({ language }) => language === '').map(placeOf)).toEqual([])
    const known = /^(js|ts|sh|console|json|yaml|ini|conf|erlang|text)$/
    expect(blocks.filter(({ language }) => !known.test(language)).map(placeOf)).toEqual([])
  })

  const marked = blocks.filter(({ marker }) => marker !== undefined)
  const [run, unread] = [
    blocks.filter(isRun),
    blocks.filter((block) => UNREAD.test(block.language) && !isRun(block)),
  ]
  it(`are ${blocks.length}: ${run.length} are run or loaded by tests of their own, ${unread.length} are others' files or pictures, ${marked.length} say why they are not run, and the rest is read here`, () => {
    expect(run.length).toBeGreaterThan(blocks.length / 3)
  })

  it.each(marked.map((block) => [placeOf(block), block.marker] as const))('%s is not run: %s', (_, why) => {
    expect(why?.length).toBeGreaterThan(10)
  })
})

describe('commands', () => {
  it('are what a shell can read', async () => {
    const faults = await Promise.all(
      inLanguage('sh').map((block) =>
        promisify(execFile)('bash', ['-n', '-c', block.text]).then(
          () => [],
          (error: Error) => [`${placeOf(block)}: ${error.message}`],
        ),
      ),
    )
    expect(faults.flat()).toEqual([])
  })

  it('are there, with all of their options and arguments', async () => {
    let seen = 0
    const faults: string[] = []
    for (const block of inLanguage('sh', 'console')) {
      for (const words of commandsIn(scriptOf(block))) {
        seen++
        const fault = await faultOf(words)
        if (fault !== undefined) faults.push(`${placeOf(block)}: ${fault}`)
      }
    }
    expect(faults).toEqual([])
    expect(seen).toBeGreaterThan(150)
  })

  it.each(pages.filter((page) => !OF_OTHER_TIMES.test(page)))(
    'of a line in %s are there, too',
    async (page) => {
      const faults: string[] = []
      for (const code of codeSpansOf(read(page))) {
        const words = /^(?:npx )?jamey [a-z]/.test(code)
          ? commandsIn(code.replaceAll(/[|\\]+/g, ' '))[0]
          : undefined
        const [, ...rest] = words?.[0] === 'npx' ? words.slice(1) : (words ?? [])
        const fault = rest.length === 0 ? undefined : await objectionTo(rest, false)
        if (fault !== undefined) faults.push(fault)
      }
      expect(faults).toEqual([])
    },
  )
})

describe('data', () => {
  it.each(named(inLanguage('json')))('of %s is JSON', (_, { text }) => {
    expect(JSON.parse(text)).toBeTypeOf('object')
  })

  it.each(named(inLanguage('yaml')))('of %s is YAML', (_, { text }) => {
    for (const document of parseAllDocuments(text)) expect(document.errors).toEqual([])
    expect(parse(text)).toBeTypeOf('object')
  })

  it.each(named(inLanguage('yaml').filter(({ text }) => /^(rules|include|cases|clients):/m.test(text))))(
    'of %s is what those who read such a file take',
    (place, { text }) => {
      if (/^cases:/m.test(text)) expect(parsePolicyCases(text, place).cases.length).toBeGreaterThan(0)
      else if (/^clients:/m.test(text)) expect(readManifest(text, place).clients.length).toBeGreaterThan(0)
      else parsePolicy(/^version:/m.test(text) ? text : `version: 1\ninclude: [secrets]\n${text}`, place)
    },
  )

  it.each(named(inLanguage('ini')))('of %s names variables that there are', (_, { text }) => {
    const told = read('docs/configuration.md')
    const names = [...text.matchAll(/^(?:Environment=)?((?:MQTT|JAMEY)_\w+)=/gm)].map(([, name]) => name)
    expect(names.filter((name) => !told.includes(`\`${name}\``))).toEqual([])
  })
})
