import type { Endpoint, KnownServer, ServerList } from '../model/transport.js'

/** The server to connect to where `endpoint` came of a name, as that is answered now, or was before. */
export async function findServer(list: ServerList, endpoint: Endpoint): Promise<Endpoint> {
  const { name = endpoint } = list.known.find((known) => known.endpoint === endpoint) ?? {}
  if (name.servers === undefined) return endpoint
  // They stand side by side, in the place of the name.
  const before = list.known.filter((known) => known.endpoint === name || known.name === name)
  try {
    const found = await name.servers()
    const now = found.map(
      (server) => before.find(({ endpoint: { href } }) => href === server.href) ?? known(server, name),
    )
    list.known.splice(list.known.indexOf(before[0] as KnownServer), before.length, ...now)
    return list.choose(now)
  } catch (error) {
    if (endpoint === name) throw error
    return list.choose(before)
  }
}

function known(endpoint: Endpoint, name: Endpoint): KnownServer {
  return { endpoint, failedAtMs: undefined, name }
}
