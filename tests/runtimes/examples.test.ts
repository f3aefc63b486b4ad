import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const folder = resolve(import.meta.dirname, '../../examples')
const installed = join(import.meta.dirname, 'node_modules')
const EXAMPLES = ['01-publish-and-subscribe.js', '02-tls-tokens-and-permissions.js', '03-ask-and-answer.js']
const RUNTIMES: [name: string, program: string, ...options: string[]][] = [
  ['Node 22', 'node-22/bin/node'],
  ['Node 24', 'node-24/bin/node'],
  ['Bun', '@oven/bun-linux-x64/bin/bun'],
  ['Deno', '@deno/linux-x64-glibc/deno', 'run', '--allow-all', '--node-modules-dir=manual'],
]

/** Runtimes set out an object on one line or on several. */
const withoutLayout = (text: string): string => text.replace(/\s+/g, '').replaceAll(',}', '}')

describe.each(RUNTIMES)('%s', (_name, program, ...options) => {
  it.each(EXAMPLES)('runs examples/%s with client, bus and broker', async (example) => {
    const path = join(folder, example)
    const promised = readFileSync(path, 'utf8')
      .split('// prints:\n')[1]
      ?.replace(/^\/\/ ?/gm, '')
    const { stdout } = await promisify(execFile)(join(installed, program), [...options, path], {
      timeout: 30_000,
    })
    expect(withoutLayout(stdout)).toBe(withoutLayout(promised ?? 'nothing is promised'))
  })
})
