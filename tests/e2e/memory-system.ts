import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AgentMemory, busMemory } from '@jamey/agents'
import { createBroker, insecureAuthenticator } from '@jamey/broker'
import { type Bus, connectBus } from '@jamey/bus'
import { topics } from '@jamey/contracts'
import { type RunningMemory, runMemory } from '@jamey/memory'

/** A broker and the memory's whole service in this process, and agents that ask it over the wire. */
export interface MemorySystem {
  /** The memory of one more agent, on a connection of its own. */
  agent(clientId: string): Promise<AgentMemory>
  /** Ends the service; the broker and everybody's connections stay. */
  stopMemory(): Promise<void>
  close(): Promise<void>
}

const { store, query, update, forget } = topics.memory
const PERMISSIONS = [store, query, update, forget].map(({ topic }) => `publish:${topic}`)

export async function memorySystem(env: Readonly<Record<string, string>> = {}): Promise<MemorySystem> {
  const folder = mkdtempSync(join(tmpdir(), 'memory-system-'))
  const broker = await createBroker({
    listeners: [{ host: '127.0.0.1', port: 0, insecure: true }],
    authenticator: insecureAuthenticator(),
    stampSenders: ['jamey/#'],
  })
  await broker.listen()
  const url = `mqtt://127.0.0.1:${broker.addresses[0]?.port}`
  const memory: RunningMemory = await runMemory({
    env: {
      MQTT_BROKER_URL: url,
      MQTT_INSECURE: 'true',
      JAMEY_MEMORY_FILE: join(folder, 'memory.db'),
      ...env,
    },
    cwd: folder,
  })
  await memory.ready
  const buses: Bus[] = []
  return {
    agent: async (clientId) => {
      const bus = await connectBus({ url, insecure: true, clientId, permissions: PERMISSIONS })
      buses.push(bus)
      return busMemory(bus, { timeoutMs: 5000 })
    },
    stopMemory: () => memory.stop({ graceMs: 1000 }),
    close: async () => {
      await Promise.all(buses.map((bus) => bus.close({ drain: false, timeoutMs: 500 })))
      await memory.stop({ graceMs: 1000 })
      await broker.close({ graceMs: 100 })
      rmSync(folder, { recursive: true })
    },
  }
}
