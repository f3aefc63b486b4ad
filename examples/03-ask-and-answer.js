// Typed requests over the bus: one side serves a contract, the other asks, and bad data never leaves the house.
import { createBroker, insecureAuthenticator } from '@jamey/broker'
import { connectBus, RequestError } from '@jamey/bus'
import { topics } from '@jamey/contracts'

const broker = await createBroker({
  listeners: [{ host: '127.0.0.1', port: 0, insecure: true }],
  authenticator: insecureAuthenticator(),
})
await broker.listen()
const url = `mqtt://127.0.0.1:${broker.addresses[0].port}`
// To be in the group that serves is a right of its own; `jamey/memory/#` would not give it.
const serving = ['subscribe:$share/memory/jamey/memory/query/#', 'publish:jamey/api/responses/+/memory/#']

const librarian = await connectBus({ url, insecure: true, clientId: 'librarian', permissions: serving })
await librarian.serve(topics.memory.query, async ({ data }) => {
  if (data.query === 'secrets') throw new RequestError('forbidden', 'not in this library')
  return { memories: [], total: 0 }
})

const asking = ['publish:jamey/memory/query']
const reader = await connectBus({ url, insecure: true, clientId: 'reader', permissions: asking })
const ask = (query) => reader.request(topics.memory.query, { query }, { timeoutMs: 5000 })
console.log(await ask('lisbon'))
await ask('secrets').catch((error) => console.log(`${error.name}: ${error.kind}, ${error.message}`))
await ask(7).catch((error) => console.log(`${error.name} about ${error.field}`))

await reader.close()
await librarian.close()
await broker.close()

// prints:
// { memories: [], total: 0 }
// RemoteError: forbidden, not in this library
// MessageError about payload.data.query
