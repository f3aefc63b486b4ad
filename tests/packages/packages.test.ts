import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bin, packageNames, root, run, Tarballs } from './tarballs.js'

/** Packages as others will get them: packed, looked over, installed and used. */

let tarballs: Tarballs

beforeAll(async () => {
  tarballs = await Tarballs.pack()
})

afterAll(() => tarballs?.remove())

describe.each(packageNames)('the tarball of %s', (name) => {
  it('has nothing that publint complains of', async () => {
    const bytes = await readFile(tarballs.path(name))
    const tarball = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
    const { messages, pkg } = await publint({ pack: { tarball }, strict: true, level: 'suggestion' })
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([])
  })

  it('has types that are found and are right in every ESM resolution', async () => {
    const { stdout } = await run(bin('attw'), [
      tarballs.path(name),
      '--profile',
      'esm-only',
      '--format',
      'ascii',
      '--no-color',
    ])
    expect(stdout).toContain(`@jamey/${name}`)
  })

  it('holds every file that its exports and source maps name, and no test', async () => {
    const { stdout } = await run('tar', ['-tzf', tarballs.path(name)])
    const files = new Set(
      stdout
        .trim()
        .split('\n')
        .map((file) => file.replace(/^package\//, '')),
    )
    const manifest = JSON.parse(await readFile(join(root, 'packages', name, 'package.json'), 'utf8')) as {
      exports: unknown
    }
    // Names of entries stand before a colon, their files behind one.
    const targets = [...JSON.stringify(manifest.exports).matchAll(/:"\.\/([^"]+)"/g)].map((match) => match[1])
    const sources = [...files]
      .filter((file) => /^dist\/.*\.js$/.test(file))
      .map((file) => file.replace(/^dist\/(.*)\.js$/, 'src/$1.ts'))
    expect([...targets, ...sources].filter((file) => !files.has(file as string))).toEqual([])
    expect([...files].filter((file) => /\.test\.|\.contract\.|test-support/.test(file))).toEqual([])
  })
})

it('the tarball of jamey holds its bundle, the licenses of what is in it, and no compiled code', async () => {
  const { stdout } = await run('tar', ['-tzf', tarballs.path('jamey')])
  expect(stdout).toContain('package/bundle/command-process.cjs\n')
  expect(stdout).not.toContain('package/bundle/code/')
  const licenses = await run('tar', ['-xzOf', tarballs.path('jamey'), 'package/bundle/LICENSES.txt'])
  for (const name of ['zod', 'jose', 'commander']) {
    expect(licenses.stdout).toMatch(new RegExp(`^${name} \\d+\\.[^]*?\\bCopyright`, 'm'))
  }
})

it('the tarball of jamey holds the operator’s page, and the licences of what is in it', async () => {
  const { stdout } = await run('tar', ['-tzf', tarballs.path('jamey')])
  expect(stdout).toContain('package/dashboard/index.html\n')
  expect(stdout).toMatch(/^package\/dashboard\/assets\/index-[\w-]+\.js$/m)
  const folder = 'package/dashboard/assets/LICENSES.txt'
  const licences = await run('tar', ['-xzOf', tarballs.path('jamey'), folder])
  for (const name of ['preact', '@preact/signals']) {
    expect(licences.stdout).toMatch(new RegExp(`^${name} \\d+\\.[^]*?\\bCopyright`, 'm'))
  }
  expect(licences.stdout).toContain('Permission is hereby granted')
})

/** What a user of the client may write on the first day. */
const PROGRAM = `
import { type Client, ConnectionError, connect, type ConnectOptions, type Message } from '@jamey/mqtt'
import { matches, ReasonCode } from '@jamey/protocol'

const handler = (message: Message): string => message.topic
const attempt = async (options: ConnectOptions): Promise<string> => {
  try {
    const client: Client = await connect(options)
    await using _subscription = await client.subscribe('a/+', { qos: 1 }, handler)
    const { reasonCode } = await client.publish('a/b', new Uint8Array(2), { qos: 1 })
    await client.close()
    return String(reasonCode === ReasonCode.success)
  } catch (error) {
    if (!(error instanceof ConnectionError)) throw error
    return \`\${error.code}: \${error.message}\`
  }
}

const lines: string[] = [
  String(matches('a/+', 'a/b')),
  await attempt({ url: 'mqtt://127.0.0.1:1', clientId: 'consumer' }),
  await attempt({ url: 'ws://127.0.0.1:1', clientId: 'consumer' }),
]
console.log(lines.join('\\n'))
`

/** What a page may write. */
const PAGE = `
import { type Client, type Explanation, connect, type Message } from '@jamey/mqtt'

export const follow = async (url: string, handler: (message: Message) => void): Promise<Explanation> => {
  const client: Client = await connect({ url })
  await using _subscription = await client.subscribe('a/+', handler)
  return client.explain()
}
`

describe('a project that installs the client from its tarballs', () => {
  const compile = (folder: string) => run(process.execPath, [bin('tsc'), '-p', folder], { cwd: folder })
  const strict = {
    target: 'ES2022',
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    // No types of disposables: what we declare brings them along.
    lib: ['ES2022', 'DOM'],
  }
  const forNode = { ...strict, module: 'NodeNext' }
  const forPages = {
    ...strict,
    module: 'ESNext',
    moduleResolution: 'Bundler',
    customConditions: ['browser'],
    types: [],
    noEmit: true,
  }
  let folder: string

  const write = async (compilerOptions: object, program: string): Promise<void> => {
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['main.ts'] }))
    await writeFile(join(folder, 'main.ts'), program)
  }

  beforeAll(async () => {
    folder = join(tarballs.folder, 'consumer')
    await mkdir(folder)
    await writeFile(
      join(folder, 'package.json'),
      JSON.stringify({ name: 'consumer', version: '1.0.0', type: 'module', private: true }),
    )
    const options = ['--offline', '--ignore-scripts', '--no-audit', '--no-fund', '--silent']
    await run('npm', ['install', ...options, tarballs.path('protocol'), tarballs.path('mqtt')], {
      cwd: folder,
    })
  })

  it.each([
    ['without types of Node', { types: [] }],
    ['with types of Node', { types: ['node'], typeRoots: [join(root, 'node_modules/@types')] }],
  ])('compiles strictly %s, every declaration file looked at, and runs', async (_, types) => {
    await write({ ...forNode, ...types }, PROGRAM)
    await compile(folder)
    const { stdout } = await run(process.execPath, ['main.js'], { cwd: folder })
    expect(stdout.trim().split('\n')).toEqual([
      'true',
      'unreachable: connection with mqtt://127.0.0.1:1 failed: nobody listens there',
      "invalid-argument: ws://127.0.0.1:1/mqtt needs the package 'ws', which cannot be loaded; install it with: npm install ws",
    ])
  })

  it('is told by the compiler what it writes wrongly', async () => {
    await write({ ...forNode, types: [] }, PROGRAM.replace('{ qos: 1 }, handler', "{ qos: 3 }, 'handler'"))
    await expect(compile(folder)).rejects.toMatchObject({ stdout: expect.stringContaining('error TS') })
  })

  it('compiles strictly for pages, every declaration file looked at', async () => {
    await write(forPages, PAGE)
    expect((await compile(folder)).stdout).toBe('')
  })

  it('is told by the compiler what exists for Node alone, where it is for pages', async () => {
    const list = "console.log(Object.keys(await import('@jamey/mqtt')).join())"
    const namesFor = async (...conditions: string[]): Promise<string[]> => {
      const { stdout } = await run(process.execPath, [...conditions, '--input-type=module', '-e', list], {
        cwd: folder,
      })
      return stdout.trim().split(',')
    }
    const inPages = new Set(await namesFor('--conditions=browser'))
    const inNode = await namesFor()
    const missing = inNode.filter((name) => !inPages.has(name))
    expect(missing).toContain('systemClock')
    await write(forPages, `export { ${inNode.join(', ')} } from '@jamey/mqtt'\n`)
    const { stdout } = (await compile(folder).catch((error: unknown) => error)) as { stdout: string }
    const told = [...stdout.matchAll(/has no exported member(?: named)? '(\w+)'/g)].map((match) => match[1])
    expect(told.sort()).toEqual(missing.sort())
  })
})
