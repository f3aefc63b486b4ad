import { resolve } from 'node:path'
import { shownClientName } from '@jamey/auth'
import type { ManifestClient } from '@jamey/manifest'
import { EXIT } from '../support/exit-codes.js'
import { CommandFailure } from '../support/failure.js'
import type { CommandContext } from '../terminal/command-context.js'

/**
 * The client as the manifest of `--manifest`, else of JAMEY_PERMISSIONS_FILE, has it; undefined where none is named.
 * Refuses one that the manifest does not name.
 */
export async function listedClient(
  { env, cwd }: Pick<CommandContext, 'env' | 'cwd'>,
  { manifest }: { readonly manifest?: string | undefined },
  clientId: string,
): Promise<ManifestClient | undefined> {
  const file = manifest ?? env['JAMEY_PERMISSIONS_FILE']
  if (!file) return undefined
  const { clientOf, readManifestFile } = await import('@jamey/manifest')
  const client = clientOf(readManifestFile(resolve(cwd, file), file), clientId)
  if (client !== undefined) return client
  throw new CommandFailure(`${file} does not name "${shownClientName(clientId)}"`, {
    code: 'client-unlisted',
    exitCode: EXIT.usage,
    hint: 'add it to the clients there; `jamey permissions check` looks at the file',
  })
}
