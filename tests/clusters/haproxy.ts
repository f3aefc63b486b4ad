import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@jamey/testing'
import { eventually, Group, listens } from './cluster.js'

export interface Balancer {
  readonly port: number
  close(): Promise<void>
}

export interface BalancedServers {
  /** On loopback; the first that is there gets every connection. */
  readonly ports: readonly number[]
  /** Of HAProxy itself, towards the servers; another one than the clients', so that theirs can be told from it. */
  readonly source: string
  /** Whether the servers are told by the PROXY protocol where a client comes from. */
  readonly tellsAddress: boolean
}

/** HAProxy of Debian, as docs/availability.md has it, but for checks that come more often. */
export async function haproxy({ ports, source, tellsAddress }: BalancedServers): Promise<Balancer> {
  const folder = mkdtempSync(join(tmpdir(), 'jamey-haproxy-'))
  const port = await freePort()
  const config = join(folder, 'haproxy.cfg')
  const tells = tellsAddress ? 'send-proxy-v2 check-send-proxy ' : ''
  const servers = ports.map(
    (server, i) =>
      `  server broker${i + 1} 127.0.0.1:${server} ${tells}check inter 250ms fall 2 rise 2 on-marked-down shutdown-sessions`,
  )
  writeFileSync(
    config,
    `global
  maxconn 2000
defaults
  mode tcp
  timeout connect 2s
  timeout client 3m
  timeout server 3m
frontend mqtt
  bind 127.0.0.1:${port}
  default_backend brokers
backend brokers
  balance first
  source ${source}
  option redispatch
${servers.join('\n')}
`,
  )
  const process = new Group('/usr/sbin/haproxy', ['-f', config, '-db'], {})
  await eventually('HAProxy listens', () => listens(port))
  return {
    port,
    async close() {
      await process.kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
