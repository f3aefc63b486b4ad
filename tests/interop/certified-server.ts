import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAuthority, issueClientCertificate, issueServerCertificate } from '@jamey/auth'
import { type Manifest, mosquittoFiles } from '@jamey/manifest'
import { freePort } from '@jamey/testing'
import { listening } from './mosquitto.js'
import { PLUGIN_FOLDER, SECRET } from './token-mosquitto.js'

export interface MadeOptions {
  readonly clientsBy?: 'tokens' | 'certificates'
  readonly isMutualTls?: boolean
  readonly rules?: string
}

export interface CertifiedClient {
  readonly url: string
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string }
}

/** A server of another project on loopback, which knows its clients by their certificates alone. */
export class CertifiedServer {
  readonly port: number
  readonly #folder: string
  readonly #authority: Awaited<ReturnType<typeof createAuthority>>
  readonly #processes: ChildProcess[] = []
  #said = ''

  private constructor(port: number, folder: string, authority: Awaited<ReturnType<typeof createAuthority>>) {
    this.port = port
    this.#folder = folder
    this.#authority = authority
  }

  /** RabbitMQ of Debian: MQTT 3.1.1 alone, no shared subscriptions. */
  static async rabbitMq(users: readonly string[]): Promise<CertifiedServer> {
    const everything = { vhost: '/', configure: '.*', write: '.*', read: '.*' }
    const definitions = {
      vhosts: [{ name: '/' }],
      users: users.map((name) => ({ name, password_hash: '', tags: '' })),
      permissions: users.map((user) => ({ user, ...everything })),
    }
    const settings = (folder: string) => `
ssl_options.fail_if_no_peer_cert = true
load_definitions = ${folder}/definitions.json
`
    const files = { 'definitions.json': JSON.stringify(definitions) }
    return CertifiedServer.#startRabbitMq({ plugins: '', settings, files })
  }

  /** The same, which asks the authorization service at `url` about everybody, with a certificate or without. */
  static rabbitMqAsking(url: string, ca: string): Promise<CertifiedServer> {
    const settings = () => `
auth_backends.1 = http
auth_http.http_method = post
${['user', 'vhost', 'resource', 'topic'].map((path) => `auth_http.${path}_path = ${url}/rabbitmq/${path}`).join('\n')}
`
    const advanced = (folder: string) =>
      `[{rabbitmq_auth_backend_http, [{ssl_options, [{cacertfile, "${folder}/service.crt"}, {verify, verify_peer}, {versions, ['tlsv1.3']}]}]}].`
    const files = { 'service.crt': ca }
    return CertifiedServer.#startRabbitMq({
      plugins: ', rabbitmq_auth_backend_http',
      settings,
      files,
      advanced,
    })
  }

  static async #startRabbitMq(parts: {
    plugins: string
    settings: (folder: string) => string
    files: Readonly<Record<string, string>>
    advanced?: (folder: string) => string
  }): Promise<CertifiedServer> {
    const server = await CertifiedServer.#make('rabbitmq')
    const [amqp, distribution, mapper] = [await freePort(), await freePort(), await freePort()]
    const file = (name: string, text: string) => server.#write(name, text)
    for (const [name, text] of Object.entries(parts.files)) file(name, text)
    file('enabled_plugins', `[rabbitmq_mqtt${parts.plugins}].`)
    file('.erlang.cookie', 'a cookie for a test')
    file('advanced.config', parts.advanced?.(server.#folder) ?? '[].')
    file(
      'rabbitmq.conf',
      `
listeners.tcp.1 = 127.0.0.1:${amqp}
mqtt.listeners.tcp = none
mqtt.listeners.ssl.1 = 127.0.0.1:${server.port}
mqtt.allow_anonymous = false
mqtt.ssl_cert_login = true
ssl_cert_login_from = common_name
ssl_options.cacertfile = ${server.#path('ca.crt')}
ssl_options.certfile = ${server.#path('server.crt')}
ssl_options.keyfile = ${server.#path('server.key')}
ssl_options.versions.1 = tlsv1.3
ssl_options.verify = verify_peer
log.console = true
log.file = false
${parts.settings(server.#folder)}`,
    )
    const env = {
      PATH: process.env['PATH'],
      HOME: server.#folder,
      RABBITMQ_NODENAME: `jamey${server.port}@localhost`,
      RABBITMQ_DIST_PORT: String(distribution),
      RABBITMQ_MNESIA_BASE: server.#path('mnesia'),
      RABBITMQ_LOG_BASE: server.#path('log'),
      RABBITMQ_CONFIG_FILE: server.#path('rabbitmq.conf'),
      RABBITMQ_ADVANCED_CONFIG_FILE: server.#path('advanced.config'),
      RABBITMQ_ENABLED_PLUGINS_FILE: server.#path('enabled_plugins'),
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
      ERL_EPMD_ADDRESS: '127.0.0.1',
      ERL_EPMD_PORT: String(mapper),
    }
    // Started here, so that the node does not leave one behind.
    server.#run('/usr/bin/epmd', ['-address', '127.0.0.1', '-port', String(mapper)], env)
    await listening(mapper)
    await server.#serve('/usr/lib/rabbitmq/bin/rabbitmq-server', [], env)
    return server
  }

  /** NATS of Debian: MQTT 3.1.1 alone, no shared subscriptions. */
  static async nats(users: readonly string[]): Promise<CertifiedServer> {
    const server = await CertifiedServer.#make('nats')
    const config = server.#write(
      'nats.conf',
      `
server_name: jamey
listen: "127.0.0.1:${await freePort()}"
jetstream { store_dir: "${server.#path('jetstream')}" }
authorization { users: [${users.map((user) => `{ user: "CN=${user}" }`).join(', ')}] }
mqtt {
  listen: "127.0.0.1:${server.port}"
  # What a connection left unacknowledged, the next one gets only after this time; 30 s by default.
  ack_wait: "1s"
  tls {
    ca_file: "${server.#path('ca.crt')}"
    cert_file: "${server.#path('server.crt')}"
    key_file: "${server.#path('server.key')}"
    verify_and_map: true
  }
}
`,
    )
    await server.#serve('/usr/sbin/nats-server', ['-c', config], { PATH: process.env['PATH'] })
    return server
  }

  /**
   * Mosquitto of Debian by the files that are made of a manifest, started as they say. `clientsBy: 'tokens'` is with our
   * plugin, built with the sanitizers, and `SECRET` of it. `rules`: further lines of the access list.
   */
  static async mosquitto(manifest: Manifest, made: MadeOptions = {}): Promise<CertifiedServer> {
    const { clientsBy = 'certificates' } = made
    const server = await CertifiedServer.#make('mosquitto')
    const { command } = server.remake(manifest, made)
    const plugin = clientsBy === 'tokens' ? server.#buildPlugin() : {}
    // Started by root it becomes this user.
    if (process.getuid?.() === 0) execFileSync('chown', ['-R', 'mosquitto:', server.#folder])
    const env = { PATH: `/usr/sbin:${process.env['PATH']}`, ...plugin }
    await server.#serve('sh', ['-c', `exec ${command}`], env)
    // It listens before it can be sent signals.
    await server.#says(/ running\n/, 1)
    return server
  }

  /** Writes the files of Mosquitto anew; it reads them at its start, and the access list with `reload`. */
  remake(manifest: Manifest, { clientsBy = 'certificates', isMutualTls = true, rules = '' }: MadeOptions) {
    const tls = {
      ca: this.#path('ca.crt'),
      cert: this.#path('server.crt'),
      key: this.#path('server.key'),
    }
    const authorization = { url: 'http://127.0.0.1:1', secret: undefined }
    const where = { folder: this.#folder, host: '127.0.0.1', port: this.port, tls }
    const tokenSecretFile = this.#path('token-secret')
    const options = { ...where, isMutualTls, clientsBy, authorization, tokenSecretFile }
    const made = mosquittoFiles(manifest, options)
    for (const { path, text } of made.files) {
      const isRules = path === 'jamey.acl'
      const installed = text.replace(/^plugin .*$/m, `plugin ${this.#path('plugin.so')}`)
      // Over what is there, which keeps its owner.
      this.#write(path, isRules ? `${text}\n${rules}` : installed)
    }
    return made
  }

  /** SIGHUP; resolves once it was heard, which is before anything that is sent from then on. */
  async reload(): Promise<void> {
    const reloads = this.#said.split('Reloading config').length
    this.#processes[0]?.kill('SIGHUP')
    await this.#says(/Reloading config/g, reloads)
  }

  /** Resolves once it has said this so many times; throws where it ends before. */
  async #says(what: RegExp, times: number): Promise<void> {
    const stderr = this.#processes[0]?.stderr
    const hasSaid = () => (this.#said.match(what) ?? []).length >= times
    while (!hasSaid()) {
      if (stderr?.readable !== true) throw new Error(`it ended:\n${this.#said.slice(-4000)}`)
      const over = new AbortController()
      const options = { signal: over.signal }
      const ends = [once(stderr, 'data', options), once(stderr, 'close', options)]
      await Promise.race(ends)
      over.abort()
      await Promise.allSettled(ends)
    }
  }

  #buildPlugin(): NodeJS.ProcessEnv {
    execFileSync('make', ['-s', '-C', PLUGIN_FOLDER, 'sanitized'])
    copyFileSync(join(PLUGIN_FOLDER, 'build/jamey_mosquitto_sanitized.so'), this.#path('plugin.so'))
    this.#write('token-secret', `${SECRET}\n`)
    const sanitizer = execFileSync('gcc', ['-print-file-name=libasan.so']).toString().trim()
    return { LD_PRELOAD: sanitizer, ASAN_OPTIONS: 'detect_leaks=0' }
  }

  static async #make(name: string): Promise<CertifiedServer> {
    const authority = await createAuthority()
    const folder = mkdtempSync(join(tmpdir(), `jamey-${name}-`))
    const server = new CertifiedServer(await freePort(), folder, authority)
    const certificate = await issueServerCertificate(authority, { hosts: ['localhost', '127.0.0.1'] })
    server.#write('ca.crt', authority.certPem)
    server.#write('server.crt', certificate.certPem)
    server.#write('server.key', certificate.keyPem)
    return server
  }

  /** What lets `commonName` in, and tells who it is. */
  async client(commonName: string): Promise<CertifiedClient> {
    const { certPem, keyPem } = await issueClientCertificate(this.#authority, { commonName })
    const tls = { ca: this.#authority.certPem, cert: certPem, key: keyPem }
    return { url: `mqtts://127.0.0.1:${this.port}`, tls }
  }

  /** Who signs its certificate, PEM. */
  get ca(): string {
    return this.#authority.certPem
  }

  async stop(): Promise<void> {
    for (const child of this.#processes.reverse()) {
      const gone = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined
      // Its whole group: the server may be a child of the script that starts it.
      if (gone !== undefined && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      await gone
    }
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 })
  }

  #path(name: string): string {
    return join(this.#folder, name)
  }

  #write(name: string, text: string): string {
    mkdirSync(this.#folder, { recursive: true })
    writeFileSync(this.#path(name), text, { mode: 0o600 })
    return this.#path(name)
  }

  async #serve(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
    const child = this.#run(program, args, env)
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#said += chunk.toString()
      })
    }
    const isUp = await Promise.race([
      listening(this.port).then(() => true),
      once(child, 'exit').then(() => false),
    ])
    if (!isUp) throw new Error(`${program} ended while it was starting:\n${this.#said.slice(-4000)}`)
  }

  #run(program: string, args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
    const child = spawn(program, args, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#processes.push(child)
    return child
  }
}
