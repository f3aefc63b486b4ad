import { once } from 'node:events'
import { FakeClock, until } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import type { ServerLink } from '../guard/server-link.js'
import { startChildServer } from './child-server.js'

const start = (script: string, clock = new FakeClock()) =>
  startChildServer({ command: process.execPath, args: ['--eval', script], clock })

async function printed({ output }: ServerLink): Promise<string> {
  const [chunk] = (await once(output, 'data')) as [Buffer]
  return chunk.toString('utf8')
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('a server that runs as a child process', () => {
  it('ends when its input does', async () => {
    const server = await start('process.stdin.resume().pipe(process.stdout)')
    server.input.write('a line\n')
    expect(await printed(server)).toBe('a line\n')
    expect(await server.close()).toEqual({ isFailure: false, text: 'exit code 0' })
    expect(await server.ended).toEqual({ isFailure: false, text: 'exit code 0' })
  })

  it.each([
    ['process.exit(3)', 'exit code 3'],
    ['process.kill(process.pid, "SIGSEGV")', 'SIGSEGV (signal 11)'],
  ])('tells how it died: %s', async (script, text) => {
    const server = await start(script)
    server.output.resume()
    expect(await server.ended).toEqual({ isFailure: true, text })
    expect(await server.close()).toEqual({ isFailure: true, text })
  })

  it.each([
    ['its end of input', '', 'SIGTERM', 1_000],
    ['its end of input and SIGTERM', 'process.on("SIGTERM", () => {});', 'SIGKILL', 1_500],
  ])('that ignores %s is ended', async (_, ignoring, signal, afterMs) => {
    const clock = new FakeClock()
    const server = await start(`${ignoring} setInterval(() => {}, 1e6); console.log('ready')`, clock)
    await printed(server)
    const closed = server.close()
    // Another timer lies between the two signals.
    for (let passedMs = 0; passedMs < afterMs; passedMs += 500) await clock.advance(500)
    expect((await closed).text).toContain(signal)
  })

  it('ends with all that it started, also what holds its output', async () => {
    const clock = new FakeClock()
    const child = "setInterval(() => {}, 1e6); console.log(process.pid); process.on('SIGTERM', () => {})"
    const script = `require('child_process').spawn(process.execPath, ['--eval', ${JSON.stringify(child)}], { stdio: 'inherit' }); process.stdin.resume().on('end', () => process.exit())`
    const server = await start(script, clock)
    const pid = Number(await printed(server))
    const closed = server.close()
    await until(() => clock.nextDelayMs === 500)
    await clock.advance(500)
    expect(await closed).toMatchObject({ text: 'exit code 0' })
    await until(() => !isAlive(pid))
  })

  it('that cannot be started is a failure that names it', async () => {
    const started = startChildServer({ command: 'no-such-server', args: [], clock: new FakeClock() })
    await expect(started).rejects.toMatchObject({
      code: 'server-not-started',
      message: 'no-such-server could not be started: spawn no-such-server ENOENT',
    })
  })
})
