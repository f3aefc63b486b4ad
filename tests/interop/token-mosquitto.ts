import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { signToken } from '@jamey/auth'
import { RawClient } from '@jamey/testing'
import { Mosquitto } from './mosquitto.js'

export const PLUGIN_FOLDER = resolve(import.meta.dirname, '../../deploy/mosquitto')
export const SECRET = 'a secret of at least thirty-two bytes'.replaceAll(' ', '-')

export interface TokenContent {
  readonly lifetimeSeconds?: number
  readonly secret?: string
  readonly sub?: string
  readonly now?: () => number
}

/** A Mosquitto with our plugin, built with the sanitizers, which end it at the first fault in the plugin. */
export class TokenMosquitto {
  readonly broker: Mosquitto
  readonly #folder: string
  readonly secretFile: string

  private constructor(broker: Mosquitto, folder: string, secretFile: string) {
    this.broker = broker
    this.#folder = folder
    this.secretFile = secretFile
  }

  /** `options`: further lines with `plugin_opt_`. No tolerance of clocks, so that a token ends when it says. */
  static async start({ persistence = false, options = '' } = {}): Promise<TokenMosquitto> {
    execFileSync('make', ['-s', '-C', PLUGIN_FOLDER, 'sanitized'], { stdio: 'pipe' })
    const sanitizer = execFileSync('gcc', ['-print-file-name=libasan.so']).toString().trim()
    const folder = mkdtempSync(join(tmpdir(), 'jamey-plugin-'))
    const secretFile = join(folder, 'token-secret')
    writeFileSync(secretFile, `${SECRET}\n`, { mode: 0o600 })
    const settings = `
plugin ${join(PLUGIN_FOLDER, 'build/jamey_mosquitto_sanitized.so')}
plugin_opt_token_secret_file ${secretFile}
plugin_opt_clock_tolerance 0
${options}
check_retain_source false
`
    // Mosquitto itself leaves memory behind at its end.
    const env = { LD_PRELOAD: sanitizer, ASAN_OPTIONS: 'detect_leaks=0:exitcode=99' }
    const broker = await Mosquitto.start({ persistence, settings, env })
    return new TokenMosquitto(broker, folder, secretFile)
  }

  token(clientId: string, permissions: readonly string[], content: TokenContent = {}): Promise<string> {
    const { secret = SECRET, sub = clientId, ...times } = content
    return signToken({ sub, permissions, ...times }, secret)
  }

  /** What a client sends to be let in. */
  async login(clientId: string, permissions: readonly string[], content: TokenContent = {}) {
    const password = Buffer.from(await this.token(clientId, permissions, content))
    return { clientId, username: clientId, password }
  }

  async connect(clientId: string, permissions: readonly string[], protocolVersion: 4 | 5 = 5) {
    const login = await this.login(clientId, permissions)
    return RawClient.connect(this.broker.port, { ...login, protocolVersion })
  }

  /** Throws where a sanitizer had something to say. */
  async stop(): Promise<void> {
    const code = await this.broker.end()
    const { said } = this.broker
    await this.broker.stop()
    rmSync(this.#folder, { recursive: true, force: true })
    if (code !== 0 || /ERROR: AddressSanitizer|runtime error:/.test(said)) {
      throw new Error(`mosquitto ended with ${code}:\n${said}`)
    }
  }
}
