import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { connectBus } from '@jamey/bus'
import { freePort } from '@jamey/testing'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { emptyFolder, jamey, Program, removeFolder, secretsOf } from './program.js'

/** The whole system in one process, told to read its folder again. */

let folder: string
let program: Program
let port: number

afterEach(async () => {
  await program?.stop('SIGKILL')
  removeFolder(folder)
})

async function startUp(): Promise<void> {
  folder = emptyFolder()
  port = await freePort()
  const ports = ['--port', String(port), '--http-port', String(await freePort())]
  program = new Program(folder, ['up', ...ports, '--log-level', 'info'])
  await program.prints(/Ctrl-C/)
}

async function enter(clientId: string, jwtSecret: string) {
  const bus = await connectBus({
    url: `mqtts://127.0.0.1:${port}`,
    clientId,
    tls: { ca: secretsOf(folder).ca },
    jwtSecret,
    permissions: ['#'],
  })
  onTestFinished(async () => void (await bus.close({ drain: false })))
  return bus
}

async function namesServed(): Promise<string> {
  const socket = connectTls({ host: '127.0.0.1', port, ca: secretsOf(folder).ca, servername: '' })
  await once(socket, 'secureConnect')
  const { subjectaltname } = socket.getPeerCertificate()
  socket.destroy()
  return String(subjectaltname)
}

describe('SIGHUP', () => {
  it('has the broker of `jamey up` serve the certificate and know the secrets of now, and drops nobody [promise 36]', async () => {
    await startUp()
    const former = secretsOf(folder).secret
    const eva = await enter('eva', former)
    const ends: string[] = []
    eva.onState(({ state }) => void ends.push(state))
    rmSync(join(folder, '.jamey/certs/server.crt'))
    const issue = ['certs', 'issue', '--server', '--host', 'second.example', '--data-dir', '.jamey']
    expect(await jamey(folder, issue)).toMatchObject({ code: 0 })
    const present = 'n'.repeat(43)
    writeFileSync(join(folder, '.jamey/token-secret'), `${present}\n${former}\n`)
    await expect(enter('early', present)).rejects.toMatchObject({ name: 'AuthenticationError' })

    program.signal('SIGHUP')
    await program.prints(/reloaded: certificates/)
    expect(await namesServed()).toContain('second.example')
    await enter('dora', present)
    await eva.mqtt.reauthenticate()
    expect(ends).toEqual([])
    // The parts of the same process are told, too.
    await program.prints(/"component":"conscience".*reloaded/)
    expect((await program.stop()).code).toBe(0)
  })

  it('leaves the broker of `jamey up` as it was where something cannot be used [promise 37]', async () => {
    await startUp()
    const { secret } = secretsOf(folder)
    writeFileSync(join(folder, '.jamey/token-secret'), 'short\n')
    program.signal('SIGHUP')
    await program.prints(/cannot be used; the old stays in force/)
    expect(program.stderr).toContain('has 5 bytes; expected at least 32')
    await enter('eva', secret)
    expect((await program.stop()).code).toBe(0)
  })
})
