import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { examplesOf, readmeFolders, runProgram } from '../examples/readme-examples.js'
import { root, run, Tarballs } from './tarballs.js'

/** Each package in a folder of its own, far from this repository, as its README says it is installed and used. */

let tarballs: Tarballs

beforeAll(async () => {
  tarballs = await Tarballs.pack()
})

afterAll(() => tarballs?.remove())

/** Names of ours among the dependencies of a package and of what its README's examples import, theirs included. */
async function neededBy(folder: string): Promise<string[]> {
  const examples = examplesOf(folder).map(({ program }) => program)
  const imported = examples.flatMap((program) => [...program.matchAll(/from '@jamey\/([a-z]+)'/g)])
  // An outbox is opened by an optional peer of the bus.
  const peers = examples.some((program) => program.includes('MQTT_OUTBOX_DIR')) ? ['store'] : []
  const names = imported.map((match) => match[1] as string)
  const needed = new Set([folder.split('/')[1] as string, ...names, ...peers])
  for (const name of needed) {
    const path = join(root, tarballs.folderOf(name), 'package.json')
    const { dependencies } = JSON.parse(await readFile(path, 'utf8')) as {
      dependencies: Record<string, string>
    }
    for (const dependency of Object.keys(dependencies)) {
      if (dependency.startsWith('@jamey/')) needed.add(dependency.slice('@jamey/'.length))
    }
  }
  return [...needed]
}

async function install(folder: string): Promise<string> {
  const consumer = join(tarballs.folder, folder.replace('/', '-'))
  await mkdir(consumer)
  const manifest = { name: 'consumer', version: '1.0.0', type: 'module', private: true }
  await writeFile(join(consumer, 'package.json'), JSON.stringify(manifest))
  const options = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', '--silent']
  const files = (await neededBy(folder)).map((name) => tarballs.path(name))
  // zod is named by the READMEs that write schemas.
  const others = examplesOf(folder).some(({ program }) => program.includes("from 'zod'")) ? ['zod@4'] : []
  await run('npm', ['install', ...options, ...files, ...others], { cwd: consumer })
  return consumer
}

describe.each(readmeFolders)('%s, installed from its tarball in an empty folder', (folder) => {
  it('runs what its README shows', async () => {
    const consumer = await install(folder)
    for (const { program, prints } of examplesOf(folder)) {
      expect((await runProgram(program, consumer)).stdout).toBe(prints)
    }
    if (folder !== 'apps/jamey') return
    const jamey = join(consumer, 'node_modules/.bin/jamey')
    const { stdout } = await run(
      jamey,
      ['certs', 'issue', '--server', '--host', 'localhost', '--data-dir', '.jamey', '--json'],
      {
        cwd: consumer,
      },
    )
    expect(stdout).toContain('server.crt')
    const doctor = await run(jamey, ['doctor', '--json'], { cwd: consumer }).catch((error: unknown) => error)
    // Nothing runs: absence.
    expect(doctor).toMatchObject({ code: 5, stdout: expect.stringContaining('days left') })
  }, 180_000)
})
