import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@jamey/testing'
import { type Cluster, eventually, exitCodeOf, Group, listens } from './cluster.js'

const BIN = '/usr/lib/rabbitmq/bin'

interface Node {
  readonly name: string
  readonly env: NodeJS.ProcessEnv
  readonly mqtt: number
  process: Group | undefined
}

/** RabbitMQ whose MQTT sessions are quorum queues, with an epmd of its own. */
export async function rabbitCluster(folder: string): Promise<Cluster> {
  const epmdPort = await freePort()
  const epmd = new Group('epmd', ['-address', '127.0.0.1', '-port', String(epmdPort)], {})
  await eventually('epmd listens', () => listens(epmdPort))
  const nodes: Node[] = []
  for (const i of [1, 2, 3]) nodes.push(await prepared(folder, `rab${i}`, epmdPort))
  /** Zero once the others could do without it. */
  const isDispensable = ({ name, env }: Node): Promise<boolean> =>
    exitCodeOf(`${BIN}/rabbitmq-queues`, ['-n', name, 'check_if_node_is_quorum_critical'], env).then(
      (code) => code === 0,
    )
  return {
    ports: nodes.map(({ mqtt }) => mqtt),
    whole: async () => {
      for (const node of nodes) {
        if (node.process?.isGone !== false) node.process = new Group(`${BIN}/rabbitmq-server`, [], node.env)
      }
      for (const { mqtt } of nodes) await eventually('RabbitMQ listens', () => listens(mqtt))
      for (const node of nodes) await eventually('RabbitMQ is whole', () => isDispensable(node))
    },
    kill: async (i) => nodes[i]?.process?.kill(),
    close: async () => {
      await Promise.all(nodes.map((node) => node.process?.kill()))
      await epmd.kill()
    },
  }
}

async function prepared(folder: string, short: string, epmdPort: number): Promise<Node> {
  const [amqp, mqtt, distribution] = [await freePort(), await freePort(), await freePort()]
  const home = join(folder, short)
  mkdirSync(home, { recursive: true })
  const cookie = join(home, '.erlang.cookie')
  writeFileSync(cookie, 'jameycluster')
  chmodSync(cookie, 0o400)
  writeFileSync(join(home, 'plugins'), '[rabbitmq_mqtt].')
  const members = [1, 2, 3].map((i) => `cluster_formation.classic_config.nodes.${i} = rab${i}@localhost`)
  writeFileSync(
    join(home, 'rabbitmq.conf'),
    `listeners.tcp.1 = 127.0.0.1:${amqp}
mqtt.listeners.tcp.1 = 127.0.0.1:${mqtt}
mqtt.allow_anonymous = false
mqtt.exchange = amq.topic
mqtt.durable_queue_type = quorum
cluster_formation.peer_discovery_backend = classic_config
${members.join('\n')}
cluster_partition_handling = pause_minority
`,
  )
  const name = `${short}@localhost`
  const env = {
    HOME: home,
    ERL_EPMD_ADDRESS: '127.0.0.1',
    ERL_EPMD_PORT: String(epmdPort),
    RABBITMQ_NODENAME: name,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_DIST_PORT: String(distribution),
    RABBITMQ_MNESIA_BASE: join(home, 'mnesia'),
    RABBITMQ_LOG_BASE: join(home, 'log'),
    RABBITMQ_CONFIG_FILE: join(home, 'rabbitmq.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(home, 'plugins'),
    RABBITMQ_PID_FILE: join(home, 'pid'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
  }
  return { name, env, mqtt, process: undefined }
}
