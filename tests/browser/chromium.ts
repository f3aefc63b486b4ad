import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import type { PageProgram } from './page.js'

const EXECUTABLE = '/usr/bin/chromium'

/** A Chromium of our own that trusts one certificate more than others do, where one is given. */
export class Chromium {
  readonly #folder: string
  readonly #context: BrowserContext

  private constructor(folder: string, context: BrowserContext) {
    this.#folder = folder
    this.#context = context
  }

  static async start(certPem?: string): Promise<Chromium> {
    const folder = await mkdtemp(join(tmpdir(), 'jamey-chromium-'))
    const context = await chromium.launchPersistentContext(folder, {
      executablePath: EXECUTABLE,
      args: [
        '--no-sandbox',
        '--headless=new',
        '--disable-gpu',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--no-first-run',
        '--disable-quic',
        ...(certPem === undefined ? [] : [`--ignore-certificate-errors-spki-list=${publicKeyHash(certPem)}`]),
      ],
    })
    return new Chromium(folder, context)
  }

  newPage(): Promise<Page> {
    return this.#context.newPage()
  }

  async stop(): Promise<void> {
    await this.#context.close()
    await rm(this.#folder, { recursive: true, force: true })
  }
}

/** Serves one page that runs `code`, on loopback. */
export async function servePage(code: string): Promise<{ origin: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const isScript = request.url === '/page.js'
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
    response.end(isScript ? code : '<!doctype html><script type="module" src="/page.js"></script>')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Calls what the page offers. */
export function programOf(page: Page): {
  [Name in keyof PageProgram]: (
    ...given: Parameters<PageProgram[Name]>
  ) => Promise<Awaited<ReturnType<PageProgram[Name]>>>
} {
  const call = (name: string | symbol, given: unknown[]): Promise<unknown> =>
    page.evaluate(
      ([called, values]) => {
        const { program } = globalThis as unknown as {
          program: Record<string, (...values: unknown[]) => unknown>
        }
        return program[called as string]?.(...(values as unknown[]))
      },
      [String(name), given],
    )
  return new Proxy({} as ReturnType<typeof programOf>, {
    get:
      (_target, name) =>
      (...given: unknown[]) =>
        call(name, given),
  })
}

/** As Chromium wants it: the SHA-256 of the public key, base64. */
function publicKeyHash(certPem: string): string {
  const { publicKey } = new X509Certificate(certPem)
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64')
}
