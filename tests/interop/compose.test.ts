import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'

const deploy = resolve(import.meta.dirname, '../../deploy/compose')
const NEEDED = { JAMEY_PROXY: '192.0.2.1', VERNEMQ_ACCEPT_EULA: 'yes' }

/** What Docker Compose makes of a file: the names of its services, or what is wrong with it. */
function check(file: string | readonly string[], given: Readonly<Record<string, string>> = NEEDED) {
  const env = { PATH: process.env['PATH'], ...given }
  const files = [file].flat().flatMap((one) => ['-f', one])
  const args = [...files, 'config', '--services']
  const { status, stdout, stderr } = spawnSync('docker-compose', args, { env, encoding: 'utf8' })
  return { isTaken: status === 0, services: stdout.trim().split('\n'), fault: stderr }
}

/** A copy of the file of that broker in which `there` became `broken`. */
function broken(broker: string, there: string, instead: string): string {
  const text = readFileSync(join(deploy, broker, 'compose.yaml'), 'utf8')
  if (!text.includes(there)) throw new Error(`deploy/compose/${broker} has no ${there}`)
  const folder = mkdtempSync(join(tmpdir(), 'jamey-compose-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'compose.yaml')
  writeFileSync(file, text.replace(there, instead))
  return file
}

describe.skipIf(!existsSync('/usr/bin/docker-compose'))('deploy/compose', () => {
  it.each([
    ['emqx', 10],
    ['vernemq', 10],
    ['jamey', 4],
  ] as const)('%s is a file that Docker Compose understands', (broker, count) => {
    const { fault, services } = check(join(deploy, broker, 'compose.yaml'))
    expect(fault).not.toContain('ERROR')
    expect(services).toHaveLength(count)
  })

  it.each(['emqx', 'vernemq'])('postgres.yaml goes over the file of %s', (broker) => {
    const { fault, services } = check([join(deploy, broker, 'compose.yaml'), join(deploy, 'postgres.yaml')])
    expect(fault).not.toContain('ERROR')
    expect(services).toHaveLength(11)
    expect(services).toContain('postgres')
  })

  it.each([
    ['a word that it does not know', '    image: vernemq/vernemq', '    imagine: vernemq/vernemq', /imagine/],
    ['a service that is not there', 'depends_on: [authz]', 'depends_on: [auths]', /auths/],
    ['a volume that is not declared', '- authz:/srv/jamey', '- auths:/srv/jamey', /auths/],
    ['a value of another type', 'cap_drop: [ALL]', 'cap_drop: 1', /cap_drop/],
    ['what is no YAML', 'services:\n', 'services: [\n', /./],
  ])('of which a copy with %s is refused', (_what, there, instead, fault) => {
    const checked = check(broken('vernemq', there, instead))
    expect(checked.isTaken).toBe(false)
    expect(checked.fault).toMatch(fault)
  })

  it.each(['JAMEY_PROXY', 'VERNEMQ_ACCEPT_EULA'])('is refused without %s', (name) => {
    const checked = check(join(deploy, 'vernemq', 'compose.yaml'), { ...NEEDED, [name]: '' })
    expect(checked.isTaken).toBe(false)
    expect(checked.fault).toContain(name)
  })
})
