import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'

const PROGRAM = fileURLToPath(new URL('../soak/dist/main.js', import.meta.url))

it('a short soak of broker and clients loses nothing and says so', { timeout: 120_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'jamey-soak-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const out = join(folder, 'samples.jsonl')
  const args = ['--minutes', '0.25', '--rate', '500', '--sample', '3', '--out', out]
  const soak = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let told = ''
  soak.stdout.on('data', (chunk: Buffer) => {
    told += chunk.toString()
  })
  const [code] = await once(soak, 'close')
  expect(code, told).toBe(0)
  const summary = readFileSync(`${out}.md`, 'utf8')
  expect(summary).toContain('Nothing was lost, doubled or out of order.')
  const samples = readFileSync(out, 'utf8').trim().split('\n')
  expect(samples.length).toBeGreaterThanOrEqual(5)
  for (const line of samples) {
    const { messages, broker, client } = JSON.parse(line)
    expect(messages).toBeGreaterThan(0)
    expect(broker.vitals.heapBytes).toBeGreaterThan(0)
    expect(client.latency.count).toBeGreaterThan(0)
  }
})
