import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigurationError } from '@jamey/bus'
import { describe, expect, it, onTestFinished } from 'vitest'
import { memoryOptionsFromEnvironment } from './memory-environment.js'
import { runMemory } from './run-memory.js'

const ENDPOINT = {
  JAMEY_EMBEDDINGS_URL: 'http://127.0.0.1:11434',
  JAMEY_EMBEDDINGS_MODEL: 'nomic-embed-text',
}
const faultsOf = (env: Record<string, string>): string[] => {
  try {
    memoryOptionsFromEnvironment(env)
    return []
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError)
    return (error as ConfigurationError).faults.map(({ variable }) => variable)
  }
}

describe('the endpoint of embeddings', () => {
  it('is none where no variable names one', () => {
    expect(memoryOptionsFromEnvironment({}).embeddings).toBeUndefined()
  })

  it('is what the variables say, and otherwise what it is by default', () => {
    expect(memoryOptionsFromEnvironment(ENDPOINT).embeddings).toEqual({
      url: 'http://127.0.0.1:11434',
      model: 'nomic-embed-text',
      keyFile: undefined,
      batch: 32,
      timeoutMs: 30_000,
      queryMs: 300,
    })
    const all = {
      JAMEY_EMBEDDINGS_URL: 'https://api.example/v1',
      JAMEY_EMBEDDINGS_MODEL: 'm',
      JAMEY_EMBEDDINGS_KEY_FILE: 'key',
      JAMEY_EMBEDDINGS_BATCH: '100',
      JAMEY_EMBEDDINGS_TIMEOUT_MS: '5000',
      JAMEY_EMBEDDINGS_QUERY_MS: '1000',
    }
    expect(memoryOptionsFromEnvironment(all).embeddings).toEqual({
      url: 'https://api.example/v1',
      model: 'm',
      keyFile: 'key',
      batch: 100,
      timeoutMs: 5000,
      queryMs: 1000,
    })
  })

  it.each([
    [
      'without TLS beyond this machine',
      { JAMEY_EMBEDDINGS_URL: 'http://api.example/v1' },
      'JAMEY_EMBEDDINGS_URL',
    ],
    ['with a password in it', { JAMEY_EMBEDDINGS_URL: 'https://a:b@api.example' }, 'JAMEY_EMBEDDINGS_URL'],
    ['that is no URL', { JAMEY_EMBEDDINGS_URL: 'ollama' }, 'JAMEY_EMBEDDINGS_URL'],
    ['without a model', { JAMEY_EMBEDDINGS_MODEL: ' ' }, 'JAMEY_EMBEDDINGS_MODEL'],
    ['without an address', { JAMEY_EMBEDDINGS_URL: '' }, 'JAMEY_EMBEDDINGS_URL'],
    ['with too large a batch', { JAMEY_EMBEDDINGS_BATCH: '5000' }, 'JAMEY_EMBEDDINGS_BATCH'],
    ['without time', { JAMEY_EMBEDDINGS_QUERY_MS: '0' }, 'JAMEY_EMBEDDINGS_QUERY_MS'],
  ])('is refused %s', (_, env, variable) => {
    expect(faultsOf({ ...ENDPOINT, ...env })).toEqual([variable])
  })

  it('is refused where others may read its key', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'jamey-key-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'key')
    writeFileSync(file, 'sk-secret', { mode: 0o644 })
    const error = await runMemory({
      env: { ...ENDPOINT, JAMEY_EMBEDDINGS_KEY_FILE: file },
      cwd: folder,
    }).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ConfigurationError)
    expect(String(error)).toContain('JAMEY_EMBEDDINGS_KEY_FILE')
    expect(String(error)).not.toContain('sk-secret')
  })
})
