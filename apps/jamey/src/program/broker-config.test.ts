import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { OTHER_BROKERS } from '@jamey/manifest'
import { describe, expect, it } from 'vitest'
import { TestFolder } from '../install/test-folder.support.js'
import { BROKER_NAMES } from './broker-config-command.js'
import { runCommand } from './run-command.support.js'

const at = new TestFolder()
const MANIFEST = `version: 1
clients:
  robot-7:
    proof: certificate
    permissions: ['publish:lab/%c/#']
`

async function make(broker: string, ...more: readonly string[]) {
  return runCommand(at.path, ['broker-config', broker, '--out', 'made', ...more])
}

/** Also the data directory, where files stand for certificates: nothing reads them. */
function write(manifest = MANIFEST): void {
  mkdirSync(at.directory.certificates, { recursive: true, mode: 0o700 })
  for (const file of ['ca.crt', 'server.crt', 'server.key']) {
    writeFileSync(join(at.directory.certificates, file), '', { mode: 0o600 })
  }
  writeFileSync(join(at.path, 'permissions.yaml'), manifest)
}

/** Every file below the folder, by its path: bytes and when they were written. */
function contents(): Record<string, string> {
  const folder = join(at.path, 'made')
  return Object.fromEntries(
    readdirSync(folder).map((name) => [
      name,
      `${statSync(join(folder, name)).mtimeMs} ${readFileSync(join(folder, name), 'utf8')}`,
    ]),
  )
}

describe('jamey broker-config', () => {
  it('knows every broker that files can be made for', () => {
    expect([...BROKER_NAMES].sort()).toEqual(Object.keys(OTHER_BROKERS).sort())
  })

  it.each(BROKER_NAMES)(
    'writes the files of %s for their owner, and prints the line that starts it',
    async (name) => {
      await at.install()
      write()
      const { code, stdout, stderr } = await make(name)
      expect(stderr).toBe('')
      expect(code).toBe(0)
      const folder = join(at.path, 'made')
      expect(statSync(folder).mode & 0o777).toBe(0o700)
      expect(stdout).toMatch(/\nStart it:\n {2}.*made\/.*\n\nTo know:\n- /)
      for (const file of readdirSync(folder)) {
        const text = readFileSync(join(folder, file), 'utf8')
        expect(text).toContain('Made by `jamey broker-config`; sha256 of the lines below: ')
        expect(stdout).toContain(`wrote made/${file}\n`)
        const secret = readSecret()
        if (secret !== undefined && text.includes(secret))
          expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600)
      }
    },
  )

  function readSecret(): string | undefined {
    try {
      return readFileSync(at.directory.authzSecret, 'utf8').trim()
    } catch {
      return undefined
    }
  }

  it.each(BROKER_NAMES)('changes nothing of %s where nothing changed', async (name) => {
    write()
    await make(name)
    const before = contents()
    const { code, stdout } = await make(name)
    expect(code).toBe(0)
    expect(contents()).toEqual(before)
    expect(stdout).not.toContain('wrote')
  })

  it('writes again what the manifest changes, and closes what somebody opened', async () => {
    write()
    await make('nats')
    const file = join(at.path, 'made', 'nats.conf')
    write(MANIFEST.replace('robot-7', 'robot-8'))
    chmodSync(file, 0o666)
    const { stdout } = await make('nats')
    expect(stdout).toContain('wrote again made/nats.conf')
    expect(readFileSync(file, 'utf8')).toContain('"CN=robot-8"')
    expect(readFileSync(file, 'utf8')).not.toContain('robot-7')
    expect(statSync(file).mode & 0o777).toBe(0o644)
  })

  it('writes nothing where somebody changed a file, names it, and replaces it when told to', async () => {
    write()
    await make('rabbitmq')
    const folder = join(at.path, 'made')
    const own = `${readFileSync(join(folder, 'rabbitmq.conf'), 'utf8')}mqtt.prefetch = 7\n`
    writeFileSync(join(folder, 'rabbitmq.conf'), own)
    writeFileSync(join(folder, 'advanced.config'), '[].\n')
    const before = contents()
    const refused = await make('rabbitmq', '--port', '8884')
    expect(refused.code).toBe(2)
    expect(refused.stderr).toMatch(
      /made\/rabbitmq\.conf, .*made\/advanced\.config were changed, or written by somebody else; nothing was written/,
    )
    expect(refused.stderr).toContain('--force')
    expect(contents()).toEqual(before)
    const forced = await make('rabbitmq', '--port', '8884', '--force')
    expect(forced.code).toBe(0)
    expect(readFileSync(join(folder, 'rabbitmq.conf'), 'utf8')).toContain('127.0.0.1:8884\n')
    expect(readFileSync(join(folder, 'rabbitmq.conf'), 'utf8')).not.toContain('prefetch = 7')
  })

  it('tells all of it as JSON', async () => {
    write()
    const { stdout } = await make('nats', '--json')
    const told = JSON.parse(stdout)
    const path = join(at.path, 'made', 'nats.conf')
    expect(told).toMatchObject({
      files: [{ path, became: 'written' }],
      command: `nats-server -c ${path}`,
      check_command: `nats-server -t -c ${path}`,
    })
    expect(told.notes.length).toBeGreaterThan(3)
  })

  it('makes the secret that broker and service share once, and only for brokers that ask', async () => {
    write()
    await make('nats')
    expect(readSecret()).toBeUndefined()
    await make('rabbitmq', '--force')
    const secret = readSecret()
    await make('rabbitmq')
    expect(readSecret()).toBe(secret)
    expect(readFileSync(join(at.path, 'made', 'rabbitmq.conf'), 'utf8')).toContain(
      `broker:${secret}@127.0.0.1:8090/`,
    )
  })

  it.each([
    [['nats', '--manifest', 'none.yaml'], 'cannot read none.yaml: there is no such file'],
    [['nats', '--clients-by', 'tokens'], 'nats knows no clients by tokens'],
    [['rabbitmq', '--authz-url', 'http://hub.example.org:8090'], 'tokens would be readable on their way'],
    [['kafka'], "command-argument value 'kafka' is invalid"],
  ])('refuses %j, and says why', async (args, fault) => {
    write()
    const [broker = '', ...more] = args
    const { code, stderr } = await make(broker, ...more)
    expect(stderr).toContain(fault)
    expect(code).toBe(2)
  })

  it('refuses a manifest with everything that is wrong with it, and one that the broker cannot enforce', async () => {
    write()
    write(`${MANIFEST}    permission: []\n`)
    expect((await make('nats')).stderr).toContain('permissions.yaml:6')
    write(MANIFEST.replace('publish:lab/%c/#', '#'))
    const { code, stderr } = await make('nats')
    expect(stderr).toContain('NATS cannot enforce "#" of "robot-7": a wildcard as the first level')
    expect(code).toBe(2)
  })

  it('needs certificates from somewhere', async () => {
    writeFileSync(join(at.path, 'permissions.yaml'), MANIFEST)
    const { code, stderr } = await make('nats')
    expect(code).toBe(2)
    expect(stderr).toContain('--ca is missing, and there is no .jamey here or in a folder above')
    const pem = ['--ca', 'ca.crt', '--cert', 'server.crt', '--key', 'server.key']
    const made = await make('nats', ...pem)
    expect(made.code).toBe(0)
    expect(made.stderr).toContain('server.key is not there yet')
  })
})
