import { readClientFile } from '@jamey/auth'
import { COMPONENTS } from '@jamey/contracts'

interface NamedClient {
  readonly clientId: string
  readonly permissions: readonly string[]
}

/** The clients that `jamey up` knows by name: our components, and those of `jamey client add`. */
export async function namedClients(clientsFile: string): Promise<readonly NamedClient[]> {
  return [...Object.values(COMPONENTS), ...(await readClientFile(clientsFile).catch(() => []))]
}
