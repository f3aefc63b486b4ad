import { spawn } from 'node:child_process'
import { createPrivateKey } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { CompactSign, decodeJwt, decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { ASKING, AttackedSystem } from './system.js'

const EVALUATE = 'jamey/conscience/evaluate'
const PROGRAM = resolve(import.meta.dirname, '../../examples/receipts/verify.js')
let system: AttackedSystem

beforeAll(async () => {
  system = await AttackedSystem.start()
})
afterAll(() => system?.stop())

/** A program that carries out what has a receipt, and knows nothing of Jamey but the address of the keys. */
function executor(): (receipt: string, payload: object) => Promise<string> {
  const child = spawn(process.execPath, [PROGRAM, `${system.http}/v1/jwks`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill())
  const lines = createInterface({ input: child.stdout })
  return async (receipt, payload) => {
    child.stdin.write(`${JSON.stringify({ receipt, payload })}\n`)
    return String((await once(lines, 'line'))[0])
  }
}

const HARMLESS = { tool: 'read_file', arguments: { path: 'README.md' } }
const HARMFUL = { tool: 'Bash', arguments: { command: 'rm -rf /' } }

async function receiptFor(call: object): Promise<{ receipt: string; payload: object }> {
  const agent = await system.peer('agent', ASKING)
  const data = { ...call, receipt: true }
  const answer = await agent.ask(EVALUATE, 'evaluate', data)
  return { receipt: String(answer.data?.['receipt']), payload: { action: 'evaluate', data } }
}

describe('who carries out what has a receipt', () => {
  it('does so once, for the very request that was judged [promise 41]', async () => {
    const use = executor()
    const { receipt, payload } = await receiptFor(HARMLESS)
    expect(await use(receipt, { action: 'evaluate', data: { ...HARMFUL, receipt: true } })).toBe(
      'no: it is for another request',
    )
    expect(await use(receipt, payload)).toBe('yes')
    expect(await use(receipt, payload)).toBe('no: it was used before')
  })

  it('does not where it was not approved', async () => {
    const { receipt, payload } = await receiptFor(HARMFUL)
    expect(await executor()(receipt, payload)).toBe('no: the decision was deny')
  })

  it('does not where a word of the receipt is another, or somebody else signed it', async () => {
    const use = executor()
    const { receipt, payload } = await receiptFor(HARMFUL)
    const [head, , signature] = receipt.split('.')
    const forged = Buffer.from(JSON.stringify({ ...decodeJwt(receipt), approved: true })).toString(
      'base64url',
    )
    expect(await use(`${head}.${forged}.${signature}`, payload)).toBe('no: signature verification failed')
    const unsigned = Buffer.from(JSON.stringify({ ...decodeProtectedHeader(receipt), alg: 'none' }))
    expect(await use(`${unsigned.toString('base64url')}.${forged}.`, payload)).toMatch(/^no: /)
    const secret = Buffer.from(readFileSync(join(system.folder, '.jamey', 'certs', 'ca.crt')))
    const confused = await new CompactSign(Buffer.from(forged, 'base64url'))
      .setProtectedHeader({ ...decodeProtectedHeader(receipt), alg: 'HS256' })
      .sign(secret)
    expect(await use(confused, payload)).toMatch(/^no: /)
  })

  it('does not after a minute, though the conscience signed it', async () => {
    const { receipt, payload } = await receiptFor(HARMLESS)
    const key = createPrivateKey(readFileSync(join(system.folder, '.jamey', 'receipt-key.pem')))
    const sign = (exp: number) =>
      new CompactSign(Buffer.from(JSON.stringify({ ...decodeJwt(receipt), jti: `${exp}`, exp })))
        .setProtectedHeader({ ...decodeProtectedHeader(receipt), alg: 'EdDSA' })
        .sign(key)
    const { exp = 0 } = decodeJwt(receipt)
    const use = executor()
    expect(await use(await sign(exp - 3600), payload)).toBe('no: "exp" claim timestamp check failed')
    expect(await use(await sign(exp), payload)).toBe('yes')
  })
})
