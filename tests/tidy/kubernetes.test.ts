import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'

/**
 * Each object of deploy/kubernetes is of its kind: it is written as a literal of the type that is made from Kubernetes'
 * own description, and the compiler tells unknown fields, wrong types and what is missing.
 */

const { resolve: find } = createRequire(import.meta.url)
const types = dirname(find('kubernetes-types/package.json'))
const compiler = join(dirname(find('typescript/package.json')), 'bin/tsc')
const folder = resolve(import.meta.dirname, '../../deploy/kubernetes')
const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'))
const scratch = mkdtempSync(join(tmpdir(), 'jamey-kubernetes-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

interface KubernetesObject {
  readonly apiVersion: string
  readonly kind: string
}

function objectsIn(text: string): readonly KubernetesObject[] {
  return parseAllDocuments(text).map((document) => {
    if (document.errors[0] !== undefined) throw document.errors[0]
    return document.toJS() as KubernetesObject
  })
}

/** `networking.k8s.io/v1` is the file `networking/v1`; the group without a name is `core`. */
function moduleOf({ apiVersion }: KubernetesObject): string {
  const [version, group = 'core'] = apiVersion.split('/').reverse()
  return join(types, group.split('.')[0] ?? '', `${version}.d.ts`)
}

/** What the compiler says of all objects of these files, by their names: one run of it, since most of it is its start. */
function faultsOf(named: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  for (const [name, text] of Object.entries(named)) {
    const literals = objectsIn(text).map(
      (one, i) =>
        `export const object${i}: import(${JSON.stringify(moduleOf(one))}).${one.kind} = ${JSON.stringify(one)}`,
    )
    writeFileSync(join(scratch, `${name}.ts`), `${literals.join('\n')}\n`)
  }
  const options = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--ignoreConfig', '--types', '']
  const paths = Object.keys(named).map((name) => `${name}.ts`)
  const { stdout } = spawnSync(process.execPath, [compiler, ...options, ...paths], {
    cwd: scratch,
    encoding: 'utf8',
  })
  const faults = new Map<string, string>()
  for (const line of stdout.split('\n')) {
    const name = /^(.+)\.ts\(\d+,\d+\): error /.exec(line)?.[1]
    if (name !== undefined) faults.set(name, `${faults.get(name) ?? ''}${line}\n`)
  }
  return faults
}

/** Each a slip that has to be told, with the word by which it is. */
const SLIPS: Readonly<Record<string, readonly [from: string | RegExp, to: string, told: string]>> = {
  'a field that there is not': [/\breplicas: 2/, 'replicaCount: 2', 'replicaCount'],
  'a slip deep inside': ['readOnlyRootFilesystem', 'readOnlyRootFileSystem', 'readOnlyRootFileSystem'],
  'text in the place of a number': [/\breplicas: 2/, 'replicas: two', 'number'],
  'something missing': [/\n +serviceName: .*/, '', 'serviceName'],
  'a kind that its group has not': ['kind: StatefulSet', 'kind: StatefullSet', 'StatefullSet'],
  'a version that there is not': ['apiVersion: apps/v1', 'apiVersion: apps/v2', 'v2'],
}

describe('deploy/kubernetes', () => {
  it('has objects of their kinds alone, with no field that Kubernetes does not know; each slip would be told', () => {
    const named = Object.fromEntries(files.map((name) => [name, readFileSync(join(folder, name), 'utf8')]))
    const good = named['conscience.yaml'] ?? ''
    const broken = Object.fromEntries(
      Object.entries(SLIPS).map(([slip, [from, to]]) => [slip, good.replace(from, to)]),
    )
    const faults = faultsOf({ ...named, ...broken })
    expect(files.length).toBeGreaterThan(4)
    expect(files.map((name) => [name, faults.get(name)])).toEqual(files.map((name) => [name, undefined]))
    for (const [slip, [, , told]] of Object.entries(SLIPS)) expect(faults.get(slip), slip).toContain(told)
  })

  it('has no variables of services in its pods, which settings of ours are named like', () => {
    const pods = files
      .flatMap((name) => objectsIn(readFileSync(join(folder, name), 'utf8')))
      .filter((one) => one.kind === 'StatefulSet' || one.kind === 'Deployment')
    expect(pods).toHaveLength(4)
    for (const pod of pods) {
      expect(pod).toHaveProperty('spec.template.spec.enableServiceLinks', false)
    }
  })
})
