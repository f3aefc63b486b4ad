import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createCertificateDirectory } from '@jamey/auth'
import { renewCertificates } from '@jamey/auth/authority'
import { readDatabaseUrl } from '@jamey/memory'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { KNOWN_VARIABLES } from '../../apps/jamey/src/doctor/known-variables.js'

/** The files of deploy, by their form: neither containers nor a Kubernetes are started here. */

const deploy = resolve(import.meta.dirname, '../../deploy')
const BROKERS = ['emqx', 'vernemq'] as const
const PARTS = ['conscience', 'memory', 'gateway'].flatMap((name) => [name, `${name}-2`])

const isKnown = (name: string) =>
  KNOWN_VARIABLES.includes(name) || /^(EMQX_|DOCKER_VERNEMQ_|JAMEY_AUTHZ_|JAMEY_SAFE_DIRECTORY$)/.test(name)

interface Service {
  readonly image: string
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly volumes?: readonly string[]
  readonly ports?: readonly string[]
  readonly depends_on?: readonly string[]
  readonly user?: string
  readonly cap_drop?: readonly string[]
  readonly read_only?: boolean
  readonly stop_grace_period?: string
  readonly healthcheck?: { readonly test?: readonly string[] }
}

/** A part stops within so many seconds of SIGTERM; tests/e2e/graceful-stop.slow.test.ts sees it. */
const STOPS_WITHIN_SECONDS = 12

describe.each(BROKERS)('deploy/compose/%s', (broker) => {
  const text = readFileSync(join(deploy, 'compose', broker, 'compose.yaml'), 'utf8')
  const file = parse(text, { merge: true }) as {
    services: Record<string, Service>
    volumes: Record<string, unknown>
  }
  const services = Object.entries(file.services)
  const nodes = services.filter(([name]) => name.startsWith(broker))

  it('has three nodes, the authorization service and two of each part', () => {
    const names = [...nodes.map(([name]) => name), 'authz', ...PARTS]
    expect(Object.keys(file.services).sort()).toEqual([...names].sort())
    expect(nodes).toHaveLength(3)
    const ids = services.flatMap(([, { environment }]) => environment?.['MQTT_CLIENT_ID'] ?? [])
    expect(ids.sort()).toEqual(PARTS.map((name) => `jamey-${name}`).sort())
  })

  it('speaks TLS alone, with rights of nobody, and keeps what outlives a container in volumes', () => {
    for (const [name, { user, cap_drop: dropped, ports = [], environment = {} }] of services) {
      expect([name, user, dropped]).toEqual([name, `\${JAMEY_USER:-1000:1000}`, ['ALL']])
      for (const port of ports) expect(port, name).toMatch(/^888\d:8883$|^127\.0\.0\.1:808\d:8080$/)
      for (const variable of Object.keys(environment)) expect(isKnown(variable), variable).toBe(true)
      const urls = environment['MQTT_BROKER_URL']?.split(',') ?? []
      expect(urls.every((url) => url.startsWith('mqtts://'))).toBe(true)
      expect([0, 3]).toContain(urls.length)
    }
    expect(text).not.toContain('ca.key')
    const volumes = services.flatMap(([, { volumes: all = [] }]) => all.map((one) => one.split(':')[0] ?? ''))
    const named = volumes.filter((one) => /^[a-z]/.test(one))
    expect([...new Set(named)].sort()).toEqual(Object.keys(file.volumes).sort())
    // What a part does not share is its own, and the nodes of a broker share nothing that they write.
    for (const [name, { volumes: all = [] }] of nodes) {
      expect(all.filter((one) => !one.endsWith(':ro')).map((one) => one.split(':')[0])).toEqual([name])
    }
  })
})

describe('deploy/compose/postgres.yaml', () => {
  const { services, volumes } = parse(readFileSync(join(deploy, 'compose/postgres.yaml'), 'utf8'), {
    merge: true,
  }) as { services: Record<string, Service>; volumes: Record<string, unknown> }

  it('has both memories check the certificate of one database, whose password lies in a file', () => {
    expect(Object.keys(services).sort()).toEqual(['memory', 'memory-2', 'postgres'])
    for (const name of ['memory', 'memory-2']) {
      const { environment = {} } = services[name] ?? { image: '' }
      expect(Object.keys(environment).filter((one) => !KNOWN_VARIABLES.includes(one))).toEqual([])
      expect(readDatabaseUrl(environment['JAMEY_MEMORY_URL'] ?? '')).toMatchObject({
        host: 'postgres.jamey',
        sslMode: 'verify-full',
        sslRootCertificate: '/etc/jamey/ca.crt',
        password: undefined,
      })
      expect(environment['JAMEY_MEMORY_PASSWORD_FILE']).toBe('/etc/jamey/database-password')
    }
  })

  it('has a server that speaks TLS, as nobody, and keeps its data in a volume', () => {
    const {
      user,
      cap_drop: dropped,
      command = [],
      ports,
      volumes: mounted = [],
    } = services['postgres'] as Service
    expect([user, dropped, ports]).toEqual([`\${JAMEY_USER:-1000:1000}`, ['ALL'], undefined])
    expect(command).toContain('ssl=on')
    expect(mounted.at(-1)).toBe('postgres:/var/lib/postgresql/data')
    expect(Object.keys(volumes)).toEqual(['postgres'])
  })
})

describe('deploy/compose/jamey', () => {
  const text = readFileSync(join(deploy, 'compose/jamey/compose.yaml'), 'utf8')
  const { services, volumes } = parse(text, { merge: true }) as {
    services: Record<string, Service>
    volumes: Record<string, unknown>
  }

  it('has our own broker and one of each part, which are ready when they say so', () => {
    expect(Object.keys(services)).toEqual(['broker', 'conscience', 'memory', 'gateway'])
    expect(Object.keys(volumes)).toEqual(['data'])
    for (const [name, service] of Object.entries(services)) {
      const {
        command,
        user,
        cap_drop: dropped,
        read_only: isReadOnly,
        environment = {},
        ports = [],
      } = service
      expect([command, user, dropped, isReadOnly]).toEqual([
        ['run', name],
        `\${JAMEY_USER:-1000:1000}`,
        ['ALL'],
        true,
      ])
      expect(Number.parseInt(service.stop_grace_period ?? '', 10)).toBeGreaterThan(STOPS_WITHIN_SECONDS)
      expect(service.healthcheck?.test).toEqual([
        'CMD',
        'node',
        '/opt/jamey/deploy/healthcheck.js',
        '/readyz',
      ])
      for (const variable of Object.keys(environment)) expect(isKnown(variable), variable).toBe(true)
      for (const port of ports) expect(port).toMatch(/^8883:8883$|^127\.0\.0\.1:8080:8080$/)
    }
    expect(text).not.toContain('ca.key')
  })
})

describe('deploy/kubernetes', () => {
  type Kind = {
    kind: string
    apiVersion: string
    metadata: { name: string; namespace?: string }
    spec: never
  }
  const folder = join(deploy, 'kubernetes')
  const objects = readdirSync(folder).flatMap((name) =>
    parseAllDocuments(readFileSync(join(folder, name), 'utf8')).map((one) => one.toJS() as Kind),
  )
  const sets = objects.filter(({ kind }) => kind === 'StatefulSet').map((one) => one as never as StatefulSet)

  interface Probe {
    readonly exec?: { readonly command: readonly string[] }
    readonly httpGet?: { readonly path: string }
  }

  interface StatefulSet {
    readonly metadata: { readonly name: string }
    readonly spec: {
      readonly serviceName: string
      readonly replicas: number
      readonly selector: { readonly matchLabels: { readonly app: string } }
      readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[]
      readonly template: {
        readonly metadata: { readonly labels: { readonly app: string } }
        readonly spec: {
          readonly securityContext: { readonly runAsNonRoot: boolean }
          readonly terminationGracePeriodSeconds: number
          readonly containers: readonly {
            readonly startupProbe: Probe
            readonly readinessProbe: Probe
            readonly livenessProbe: Probe
            readonly securityContext: object
            readonly env: readonly { readonly name: string }[]
            readonly volumeMounts: readonly { readonly name: string }[]
          }[]
          readonly volumes: readonly {
            readonly name: string
            readonly secret?: { readonly secretName: string }
          }[]
        }
      }
    }
  }

  it('has kinds by their groups, all in one namespace', () => {
    const groups = {
      Namespace: 'v1',
      Service: 'v1',
      StatefulSet: 'apps/v1',
      PodDisruptionBudget: 'policy/v1',
      NetworkPolicy: 'networking.k8s.io/v1',
    }
    for (const { kind, apiVersion, metadata } of objects) {
      expect([kind, apiVersion]).toEqual([kind, groups[kind as keyof typeof groups]])
      if (kind !== 'Namespace') expect(metadata.namespace).toBe('jamey')
    }
    expect(sets.map(({ metadata, spec }) => [metadata.name, spec.replicas])).toEqual([
      ...[
        ['jamey-broker', 1],
        ['jamey-conscience', 2],
        ['jamey-gateway', 2],
        ['jamey-memory', 1],
      ],
    ])
  })

  it('selects its own pods, mounts what there is, and sets variables that are read', () => {
    const page = readFileSync(join(deploy, 'README.md'), 'utf8')
    for (const { metadata, spec } of sets) {
      const { name } = metadata
      expect([spec.serviceName, spec.selector.matchLabels.app, spec.template.metadata.labels.app]).toEqual([
        ...[name, name, name],
      ])
      expect(objects.filter((one) => one.kind === 'Service' && one.metadata.name === name)).toHaveLength(1)
      const { volumes, containers, securityContext, terminationGracePeriodSeconds } = spec.template.spec
      expect(securityContext.runAsNonRoot).toBe(true)
      // Before it stops, the gateway waits for those who lead calls to it.
      expect(terminationGracePeriodSeconds).toBeGreaterThan(STOPS_WITHIN_SECONDS + 5)
      const there = [...volumes, ...(spec.volumeClaimTemplates ?? []).map((one) => one.metadata)]
      for (const container of containers) {
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        })
        const askedBy = ({ exec, httpGet }: Probe) => exec?.command.at(-1) ?? httpGet?.path
        const { startupProbe, readinessProbe, livenessProbe } = container
        expect([startupProbe, readinessProbe, livenessProbe].map(askedBy)).toEqual([
          ...['/healthz', '/readyz', '/healthz'],
        ])
        expect(container.volumeMounts.map((one) => one.name).sort()).toEqual(
          there.map((one) => one.name).sort(),
        )
        expect(container.env.filter((one) => !isKnown(one.name))).toEqual([])
      }
      for (const { secret } of volumes) {
        if (secret !== undefined) expect(page).toContain(`secret generic ${secret.secretName} `)
      }
    }
  })
})

describe('deploy/kubernetes and the image', () => {
  it('ask for what is there: whether a part lives, and whether it serves', () => {
    const image = readFileSync(join(deploy, 'Dockerfile'), 'utf8')
    const asked = '/opt/jamey/deploy/healthcheck.js'
    expect(image).toContain(`CMD ["node", "${asked}", "/healthz"]`)
    expect(image).toMatch(/\nUSER node\n[\s\S]*ENV JAMEY_METRICS_PORT=9464\n/)
    expect(readFileSync(join(deploy, 'healthcheck.js'), 'utf8')).toContain("?? '9464'")
  })
})

describe('deploy/share-certificates.sh', () => {
  it('gives each part its own files, and replaces what was renewed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'jamey-share-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const certs = join(folder, '.jamey/certs')
    await createCertificateDirectory(certs, { components: ['jamey-conscience', 'jamey-conscience-2'] })
    writeFileSync(join(folder, '.jamey/token-secret'), 'x', { mode: 0o600 })
    writeFileSync(join(folder, '.jamey/database-password'), 'y', { mode: 0o600 })
    const share = () => execFileSync('sh', [join(deploy, 'share-certificates.sh'), folder])
    const read = (name: string) => readFileSync(join(folder, 'share', name), 'utf8')
    share()
    expect(readdirSync(join(folder, 'share/jamey-conscience-2')).sort()).toEqual([
      ...['ca.crt', 'tls.crt', 'tls.key', 'token-secret'],
    ])
    expect(readdirSync(join(folder, 'share/broker')).sort()).toEqual(['ca.crt', 'tls.crt', 'tls.key'])
    expect(read('postgres/database-password') + read('jamey-memory-2/database-password')).toBe('yy')
    expect(readdirSync(join(folder, 'share/postgres'))).toContain('tls.key')
    const modes = ['', 'tls.key', 'token-secret', 'tls.crt'].map(
      (name) => statSync(join(folder, 'share/jamey-conscience', name)).mode & 0o777,
    )
    expect(modes).toEqual([0o700, 0o600, 0o600, 0o644])
    expect(read('broker/tls.crt')).toBe(readFileSync(join(certs, 'server.crt'), 'utf8'))
    await renewCertificates(certs, { withinMs: 366 * 86_400_000 })
    share()
    expect(read('jamey-conscience-2/tls.crt')).toBe(
      readFileSync(join(certs, 'jamey-conscience-2.crt'), 'utf8'),
    )
    expect(readdirSync(join(folder, 'share/broker'))).toHaveLength(3)
  })
})
