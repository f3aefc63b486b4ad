import { defineConfig } from 'vitest/config'

/** Tests run against the sources: the condition `@jamey/source` of every package's `exports` points at `src`. */
export default defineConfig({
  ssr: { resolve: { conditions: ['@jamey/source'], externalConditions: ['@jamey/source'] } },
  resolve: { conditions: ['@jamey/source'] },
  test: {
    include: [
      'packages/*/src/**/*.test.ts',
      'services/*/src/**/*.test.ts',
      'apps/*/src/**/*.test.ts',
      'tests/{e2e,tidy,examples}/**/*.test.ts',
    ],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    pool: 'forks',
  },
})
