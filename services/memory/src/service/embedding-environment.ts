import { tokenUrlFault } from '@jamey/auth'
import type { ConfigurationFault } from '@jamey/bus'
import type { EmbeddingSettings } from '../model/embeddings.js'
import { type Environment, given, type ReadWhole } from './variables.js'

/** The settings but for the key, which lies in a file. */
export interface EmbeddingEnvironment extends Omit<EmbeddingSettings, 'key'> {
  readonly keyFile: string | undefined
}

const URL_VARIABLE = 'JAMEY_EMBEDDINGS_URL'
const OTHERS = ['MODEL', 'KEY_FILE', 'BATCH', 'TIMEOUT_MS', 'QUERY_MS'].map(
  (name) => `JAMEY_EMBEDDINGS_${name}`,
)

/**
 * Reads
 * - `JAMEY_EMBEDDINGS_URL`: an OpenAI-compatible API, https, or http of this machine; none by default;
 * - `JAMEY_EMBEDDINGS_MODEL`: its model, which has to be named;
 * - `JAMEY_EMBEDDINGS_KEY_FILE`: a file of this user alone with the key;
 * - `JAMEY_EMBEDDINGS_BATCH`: texts of one request, 32 by default;
 * - `JAMEY_EMBEDDINGS_TIMEOUT_MS`: for one request, 30 000 by default;
 * - `JAMEY_EMBEDDINGS_QUERY_MS`: that a question waits for its own vector, 300 by default.
 */
export function embeddingsFrom(
  env: Environment,
  faults: ConfigurationFault[],
  whole: ReadWhole,
): EmbeddingEnvironment | undefined {
  const url = given(env, URL_VARIABLE)
  if (url === undefined) {
    const alone = OTHERS.find((variable) => given(env, variable) !== undefined)
    const expected = 'the endpoint that it is about'
    if (alone !== undefined)
      faults.push({ variable: URL_VARIABLE, found: `nothing beside ${alone}`, expected })
    return undefined
  }
  const fault = tokenUrlFault(url)
  if (fault !== undefined) {
    const expected = 'https://host/v1, or http on this machine'
    faults.push({ variable: URL_VARIABLE, found: `a URL that ${fault}`, expected })
  }
  const model = given(env, 'JAMEY_EMBEDDINGS_MODEL')
  if (model === undefined) {
    const expected = `the name of a model at ${URL_VARIABLE}`
    faults.push({ variable: 'JAMEY_EMBEDDINGS_MODEL', found: 'nothing', expected })
  }
  return {
    url,
    model: model ?? '',
    keyFile: given(env, 'JAMEY_EMBEDDINGS_KEY_FILE'),
    batch: whole('JAMEY_EMBEDDINGS_BATCH', { from: 1, to: 2048 }) ?? 32,
    timeoutMs: whole('JAMEY_EMBEDDINGS_TIMEOUT_MS', { from: 100, to: 600_000 }) ?? 30_000,
    queryMs: whole('JAMEY_EMBEDDINGS_QUERY_MS', { from: 10, to: 10_000 }) ?? 300,
  }
}
