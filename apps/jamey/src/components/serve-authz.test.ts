import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { expect, it } from 'vitest'
import { dataDirectoryAt } from '../install/data-directory.js'
import type { CommandContext } from '../terminal/command-context.js'
import { serveAuthz } from './serve-authz.js'

it('serves from the data directory until it is interrupted, and reads its files again on SIGHUP', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'jamey-serve-authz-'))
  mkdirSync(join(folder, 'data'), { mode: 0o700 })
  writeFileSync(join(folder, 'token-secret'), 'a-secret-that-tokens-are-signed-with\n', { mode: 0o600 })
  const lines: string[] = []
  const said = (text: string) => expect.poll(() => lines.find((line) => line.includes(text))).toBeDefined()
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) })
  const interruption = new AbortController()
  const context = {
    env: { JAMEY_AUTHZ_PORT: '0' },
    cwd: folder,
    terminal: { isInteractive: false },
    interrupted: interruption.signal,
  } as unknown as CommandContext
  const served = serveAuthz(context, dataDirectoryAt(folder), log)
  try {
    await said('authz listens at')
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(lines.join(''))?.[0]
    expect(await (await fetch(`${url}/readyz`)).json()).toEqual({ status: 'ready' })
    process.emit('SIGHUP')
    await said('"reloaded"')
    writeFileSync(join(folder, 'token-secret'), 'short\n')
    process.emit('SIGHUP')
    await said('the old stays in force')
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
    const taken = { ...context, env: { JAMEY_AUTHZ_PORT: new URL(url ?? '').port } }
    writeFileSync(join(folder, 'token-secret'), 'a-secret-that-tokens-are-signed-with\n')
    await expect(serveAuthz(taken, dataDirectoryAt(folder), log)).rejects.toMatchObject({
      code: 'port-taken',
      hint: expect.stringContaining('JAMEY_AUTHZ_PORT'),
    })
  } finally {
    interruption.abort()
    await served
    rmSync(folder, { recursive: true })
  }
})
