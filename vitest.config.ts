import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/** Tests run against the sources: the condition `@jamey/source` of every package's `exports` points at `src`. */
const sources = {
  resolve: { conditions: ['@jamey/source'] },
  ssr: { resolve: { conditions: ['@jamey/source'], externalConditions: ['@jamey/source'] } },
}
const SLOW = '{packages,services,apps,tests}/**/*.slow.test.ts'
const POSTGRES = '{services,apps}/*/src/**/*.postgres.test.ts'
const patience = {
  testTimeout: 60_000,
  hookTimeout: 60_000,
  expect: { poll: { timeout: 20_000, interval: 10 } },
}

export default defineConfig({
  test: {
    pool: 'forks',
    // One worker a core; by itself vitest leaves a core to whoever watches.
    maxWorkers: availableParallelism(),
    projects: [
      {
        ...sources,
        test: {
          ...patience,
          name: 'main',
          // Files share their process: loading every package anew for each took half of the time.
          isolate: false,
          include: ['{packages,services,apps}/*/src/**/*.test.ts', 'tests/{tidy,examples,e2e}/**/*.test.ts'],
          exclude: [SLOW, POSTGRES],
        },
      },
      // What takes its time for a reason: kills, disks, processes, fuzz. Needs a build, and npm alone.
      {
        ...sources,
        test: {
          ...patience,
          testTimeout: 180_000,
          name: 'slow',
          include: [SLOW, 'tests/fuzz/**/*.test.ts'],
        },
      },
      // Scenes of what one permitted client tries on the others. Needs a build, and npm alone.
      {
        ...sources,
        test: {
          ...patience,
          name: 'attacks',
          testTimeout: 120_000,
          include: ['tests/attacks/**/*.test.ts'],
        },
      },
      // Agents of others, Claude Code among them: needs `npm ci` in tests/agents.
      { ...sources, test: { ...patience, name: 'agents', include: ['tests/agents/**/*.test.ts'] } },
      // AsyncAPI's own parser: needs `npm ci` in tests/specifications.
      {
        ...sources,
        test: { ...patience, name: 'specifications', include: ['tests/specifications/**/*.test.ts'] },
      },
      // Other runtimes: needs `npm ci` in tests/runtimes, and a build.
      { ...sources, test: { ...patience, name: 'runtimes', include: ['tests/runtimes/*.test.ts'] } },
      // Needs PostgreSQL from the system's packages, and no server that runs.
      { ...sources, test: { ...patience, name: 'postgres', include: [POSTGRES] } },
      // Needs brokers from the system's packages.
      { ...sources, test: { ...patience, name: 'interop', include: ['tests/interop/**/*.test.ts'] } },
      // The whole system on each of those brokers. Needs a build.
      {
        ...sources,
        test: { ...patience, testTimeout: 180_000, name: 'brokers', include: ['tests/brokers/**/*.test.ts'] },
      },
      // Needs Chromium from the system's packages.
      { ...sources, test: { ...patience, name: 'browser', include: ['tests/browser/**/*.test.ts'] } },
      // Needs a build, for its processes, and Mosquitto.
      { ...sources, test: { ...patience, name: 'chaos', include: ['tests/chaos/**/*.test.ts'] } },
      // What goes wrong in the field. Needs a build, root, Prometheus, Chromium and faketime.
      {
        ...sources,
        test: { ...patience, testTimeout: 180_000, name: 'game-day', include: ['tests/game-day/*.test.ts'] },
      },
      // Needs RabbitMQ, NATS and HAProxy from the system's packages, and minutes.
      { ...sources, test: { ...patience, name: 'clusters', include: ['tests/clusters/**/*.test.ts'] } },
      // Needs what `npm run build` makes.
      { ...sources, test: { ...patience, name: 'packages', include: ['tests/packages/**/*.test.ts'] } },
    ],
  },
})
