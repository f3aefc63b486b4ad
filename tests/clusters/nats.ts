import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@jamey/testing'
import { type Cluster, eventually, Group, listens } from './cluster.js'

interface Node {
  readonly config: string
  readonly mqtt: number
  readonly http: number
  process: Group | undefined
}

/** NATS with JetStream, which keeps three copies of each session and stream by itself. */
export async function natsCluster(folder: string): Promise<Cluster> {
  const routes = [await freePort(), await freePort(), await freePort()]
  const nodes: Node[] = []
  for (const [i, route] of routes.entries()) {
    const [client, http, mqtt] = [await freePort(), await freePort(), await freePort()]
    const home = join(folder, `nats${i}`)
    mkdirSync(home, { recursive: true })
    const config = join(home, 'nats.conf')
    const all = routes.map((port) => `nats://127.0.0.1:${port}`).join(', ')
    writeFileSync(
      config,
      `server_name: n${i}
listen: 127.0.0.1:${client}
http: 127.0.0.1:${http}
jetstream { store_dir: "${home}/js" }
cluster { name: jamey, listen: 127.0.0.1:${route}, routes: [${all}] }
mqtt { listen: 127.0.0.1:${mqtt}, ack_wait: "2s" }
`,
    )
    nodes.push({ config, mqtt, http, process: undefined })
  }
  /** 200 once it is one of the cluster; of single consumers of sessions that are gone it would never say so. */
  const isWell = async ({ http, mqtt }: Node): Promise<boolean> => {
    const answer = await fetch(`http://127.0.0.1:${http}/healthz?js-server-only=true`).catch(() => undefined)
    return answer?.status === 200 && (await listens(mqtt))
  }
  return {
    ports: nodes.map(({ mqtt }) => mqtt),
    whole: async () => {
      for (const node of nodes) {
        if (node.process?.isGone !== false) node.process = new Group('nats-server', ['-c', node.config], {})
      }
      for (const node of nodes) await eventually('NATS is whole', () => isWell(node))
    },
    kill: async (i) => nodes[i]?.process?.kill(),
    close: async () => void (await Promise.all(nodes.map((node) => node.process?.kill()))),
  }
}
