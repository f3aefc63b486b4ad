import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { DEFAULT_LIMITS } from '@jamey/broker'
import { describe, expect, it } from 'vitest'

/** Style as a failing test. Formatting, function length, `any` and console calls are the linter's. */

const root = resolve(import.meta.dirname, '../..')
const areas = ['packages', 'services', 'apps']
const sources = areas.flatMap((area) => walk(join(root, area))).filter((file) => /\.tsx?$/.test(file))
const product = sources.filter(
  (file) => !/\.(test|contract|support|fixture)\.ts$|\/test-support\//.test(file),
)

/** What each package may import; arrows point down only. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  protocol: [],
  testing: ['protocol'],
  mqtt: ['protocol'],
  broker: ['protocol'],
  auth: ['protocol'],
  contracts: [],
  calls: [],
  metrics: ['protocol'],
  tracing: ['bus'],
  agents: ['protocol', 'contracts'],
  mcp: ['agents', 'bus', 'contracts', 'protocol'],
  manifest: ['protocol', 'auth', 'contracts'],
  store: ['protocol', 'mqtt', 'broker'],
  bus: ['protocol', 'mqtt', 'auth', 'contracts', 'store'],
  conscience: ['bus', 'contracts', 'auth', 'calls', 'store'],
  memory: ['bus', 'contracts', 'auth'],
  gateway: ['bus', 'contracts', 'auth', 'manifest'],
  authz: ['auth', 'manifest', 'metrics', 'protocol'],
  dashboard: ['contracts', 'protocol'],
  jamey: [
    'agents',
    'auth',
    'authz',
    'broker',
    'bus',
    'conscience',
    'contracts',
    'gateway',
    'manifest',
    'memory',
    'mcp',
    'metrics',
    'mqtt',
    'protocol',
    'store',
    'tracing',
  ],
}

/** The entries beside packages' public names: for packages that build on the client, and for whoever keeps certificates. */
const INTERNALS = '@jamey/mqtt/internals'
const AUTHORITY = '@jamey/auth/authority'

const BANNED_NAMES = /^(utils?|helpers?|managers?|common|misc)$/

function walk(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (['node_modules', 'dist', '.jamey'].includes(entry.name)) return []
    const path = join(folder, entry.name)
    return entry.isDirectory() ? walk(path) : [path]
  })
}

function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8')
  const found = text.matchAll(
    /^(?:import|export|\})[^'\n]*from '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm,
  )
  return [...found].map((match) => (match[1] ?? match[2] ?? match[3]) as string)
}

const packageOf = (file: string) => relative(root, file).split('/')[1] as string
const shown = (file: string) => relative(root, file)

describe('imports', () => {
  it('point down only', () => {
    const upward = product.flatMap((file) => {
      const allowed = MAY_IMPORT[packageOf(file)]
      if (allowed === undefined) return [`${shown(file)}: its package has no row in this test`]
      return importsOf(file)
        .filter((name) => name.startsWith('@jamey/'))
        .filter((name) => !allowed.includes(name.split('/')[1] as string))
        .map((name) => `${shown(file)} imports ${name}`)
    })
    expect(upward).toEqual([])
  })

  it('take packages by their public name, never a file inside', () => {
    const deep = sources.flatMap((file) =>
      importsOf(file)
        .filter((name) => name !== INTERNALS || !/^packages\/(bus|store)\//.test(shown(file)))
        .filter((name) => name !== AUTHORITY || !/^apps\/jamey\//.test(shown(file)))
        .filter((name) => /^@jamey\/[^/]+\//.test(name) || /^(\.\.\/)+(packages|services|apps)\//.test(name))
        .map((name) => `${shown(file)} imports ${name}`),
    )
    expect(deep).toEqual([])
  })

  it('of a package are among its declared dependencies', () => {
    const undeclared = product.flatMap((file) => {
      const [area, name] = relative(root, file).split('/') as [string, string]
      // The page is built from tools of the whole workspace, and nobody installs it by itself.
      const isPage = name === 'dashboard'
      const manifest = JSON.parse(
        readFileSync(join(root, isPage ? '' : join(area, name), 'package.json'), 'utf8'),
      ) as {
        name: string
        dependencies?: Record<string, string>
        devDependencies?: Record<string, string>
        peerDependencies?: Record<string, string>
      }
      const declared = {
        ...manifest.dependencies,
        ...manifest.peerDependencies,
        ...(isPage ? manifest.devDependencies : {}),
      }
      // Sources that the build leaves out serve tests, which take what the workspace has.
      const buildLeavesOut = readFileSync(join(root, area, name, 'tsconfig.json'), 'utf8')
      if (buildLeavesOut.includes(`"src/${basename(file)}"`)) return []
      return importsOf(file)
        .filter((found) => !found.startsWith('.') && !found.startsWith('node:'))
        .map((found) =>
          found
            .split('/')
            .slice(0, found.startsWith('@') ? 2 : 1)
            .join('/'),
        )
        .filter((found) => !(found in declared) && found !== manifest.name)
        .filter((found) => !isPage || !found.startsWith('@jamey/'))
        .map((found) => `${shown(file)} imports ${found}`)
    })
    expect(undeclared).toEqual([])
  })
})

describe('files', () => {
  it('have at most 400 lines', () => {
    const long = product
      .filter((file) => basename(file) !== 'vectors.ts')
      .map((file) => ({ file: shown(file), lines: readFileSync(file, 'utf8').split('\n').length - 1 }))
      .filter(({ lines }) => lines > 400)
    expect(long).toEqual([])
  })

  it('are named in kebab-case by one noun, none of them a catch-all', () => {
    const bad = sources.filter((file) => {
      const name = basename(file).replace(/(\.(slow|postgres|test|contract|d|support|config))*\.tsx?$/, '')
      return !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) || BANNED_NAMES.test(name)
    })
    expect(bad.map(shown)).toEqual([])
  })

  it('are all reached from a public entry, a program, a thread or a test', () => {
    const isEntry = (file: string) =>
      /(\/index|\/internals|\/auth\/src\/authority|\/main|\/browser|-worker|\.test|\.contract|\.config)\.tsx?$/.test(
        file,
      )
    const reached = new Set<string>()
    const visit = (file: string): void => {
      if (reached.has(file)) return
      reached.add(file)
      for (const name of importsOf(file)) {
        if (!/^\..*\.js$/.test(name)) continue
        const source = resolve(dirname(file), name.replace(/\.js$/, '.ts'))
        visit(existsSync(source) ? source : `${source}x`)
      }
    }
    for (const file of sources.filter(isEntry)) visit(file)
    expect(sources.filter((file) => !reached.has(file)).map(shown)).toEqual([])
  })

  it('carry no leftovers: no switched-off types, no tests marked only or todo, no open ends', () => {
    const leftovers = /@ts-(ignore|nocheck)|\b(?:it|test|describe)\.(?:only|todo)\b|\b(?:TODO|FIXME|XXX)\b/
    const found = sources.filter((file) => leftovers.test(readFileSync(file, 'utf8')))
    expect(found.map(shown)).toEqual([])
  })
})

it('the lock file records no download address', () => {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { resolved?: string; link?: boolean }>
  }
  const remote = Object.entries(lock.packages).filter(([, entry]) => entry.resolved?.includes('://'))
  expect(remote.map(([name]) => name)).toEqual([])
})

describe('docs/configuration.md', () => {
  const page = readFileSync(join(root, 'docs/configuration.md'), 'utf8')

  it('knows every variable that the code reads, and no other', () => {
    const read = new Set<string>()
    for (const file of product.filter((one) => basename(one) !== 'known-variables.ts')) {
      for (const [name] of readFileSync(file, 'utf8').matchAll(/\b(?:JAMEY|MQTT)_[A-Z_]*[A-Z]\b/g))
        read.add(name)
    }
    const layers = ['WORKING', 'SHORT_TERM', 'EPISODIC', 'SEMANTIC', 'LONG_TERM']
    for (const layer of layers) read.add(`JAMEY_MEMORY_TTL_${layer}_SECONDS`)
    // The code puts the layer's name in between.
    read.delete('JAMEY_MEMORY_TTL')
    const told = new Set([...page.matchAll(/`((?:JAMEY|MQTT)_[A-Z_]+)`/g)].map((match) => match[1] as string))
    expect([...read].filter((name) => !told.has(name))).toEqual([])
    expect([...told].filter((name) => !read.has(name))).toEqual([])
    // By this list the doctor tells a variable that is misspelt.
    const list = readFileSync(join(root, 'apps/jamey/src/doctor/known-variables.ts'), 'utf8')
    const listed = [...list.matchAll(/^ {2}'([A-Z_]+)',$/gm)].map((match) => match[1] as string)
    expect(listed).toEqual([...told].sort())
  })

  it('tells the default of every limit of the broker', () => {
    const rows = [...page.matchAll(/^\| (`[^|]+`) \| ([0-9, ]+) \|/gm)].flatMap((match) => {
      const names = [...(match[1] as string).matchAll(/`(\w+)`/g)].map((name) => name[1] as string)
      const values = (match[2] as string).split(',').map(Number)
      return names.map((name, i) => [name, values[i]] as const)
    })
    const limits = rows.filter(([name]) => /^[a-z]/.test(name))
    expect(Object.fromEntries(limits)).toEqual(DEFAULT_LIMITS)
  })
})
