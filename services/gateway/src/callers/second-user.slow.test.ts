import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { topics } from '@jamey/contracts'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type RunningFixture, startGateway, VERDICT } from '../service/gateway.support.js'

/** Another user of this machine: needs root, who can be one, and /proc. A number that no account has. */
const STRANGER = 61_777
const isPossible = process.getuid?.() === 0 && process.platform === 'linux'

/** Writes one request and prints what comes back; `hangUp` closes at once instead. */
const CALL = `
  const [port, hangUp] = process.argv.slice(1)
  const body = JSON.stringify({ action: 'be kind' })
  const socket = require('node:net').connect(Number(port), '127.0.0.1', () => {
    socket.write('POST /v1/conscience/evaluate HTTP/1.1\\r\\nhost: localhost\\r\\nconnection: close\\r\\n' +
      'content-type: application/json\\r\\ncontent-length: ' + body.length + '\\r\\n\\r\\n' + body,
      () => hangUp === 'yes' && socket.destroy())
  })
  socket.pipe(process.stdout)
`

describe.skipIf(!isPossible)('another user of the same machine', () => {
  let folder: string
  let node: string
  let running: RunningFixture

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'jamey-second-user-'))
    chmodSync(folder, 0o755)
    node = process.execPath
    try {
      execFileSync(node, ['--version'], { uid: STRANGER, gid: STRANGER, cwd: '/' })
    } catch {
      // An installation of root's alone.
      node = join(folder, 'node')
      copyFileSync(process.execPath, node)
      chmodSync(node, 0o755)
    }
    running = await startGateway()
  })

  beforeEach(() => {
    running.bus.requests.length = 0
    running.bus.answer(topics.conscience.evaluate, () => VERDICT)
  })

  afterAll(async () => {
    await running.gateway.stop()
    rmSync(folder, { recursive: true })
  })

  function start(uid: number, hangUp = 'no'): ChildProcess {
    const args = ['-e', CALL, String(running.port), hangUp]
    return spawn(node, args, { uid, gid: uid, cwd: '/', stdio: ['ignore', 'pipe', 'inherit'] })
  }

  async function answerTo(uid: number): Promise<string> {
    const child = start(uid)
    let text = ''
    child.stdout?.on('data', (chunk) => {
      text += chunk
    })
    await once(child, 'close')
    return text
  }

  /** The gateway asks its services of itself, too. */
  const judged = () =>
    running.bus.requests.filter(({ action }) => action === topics.conscience.evaluate.action)

  it('is asked for a token on loopback, while the user of the gateway is served without', async () => {
    const refused = await answerTo(STRANGER)
    expect(refused).toMatch(/^HTTP\/1.1 401 /)
    expect(refused).toContain(`this is one of uid ${STRANGER}`)
    expect(judged()).toEqual([])
    expect(await answerTo(0)).toMatch(/^HTTP\/1.1 200 /)
    expect(judged()).toHaveLength(1)
  })

  it('gets nothing done by hanging up before anybody looks, either', async () => {
    await Promise.all(Array.from({ length: 20 }, () => once(start(STRANGER, 'yes'), 'close')))
    // Whoever comes after them is served after them.
    expect(await answerTo(0)).toMatch(/^HTTP\/1.1 200 /)
    expect(judged()).toHaveLength(1)
  })
})
