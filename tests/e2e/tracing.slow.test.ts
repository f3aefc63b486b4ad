import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { emptyFolder, JAMEY, REPOSITORY, removeFolder, type System, startSystem } from './program.js'

/** A user's own SDK of OpenTelemetry in the process of `jamey up`; each span that ends is a line of a file. */
function sdkWriting(file: string): string {
  const sdk = pathToFileURL(
    join(REPOSITORY, 'node_modules/@opentelemetry/sdk-trace-node/build/src/index.js'),
  ).href
  return `import { appendFileSync } from 'node:fs'
import sdk from ${JSON.stringify(sdk)}
const { NodeTracerProvider, SimpleSpanProcessor } = sdk
const exporter = {
  export(spans, done) {
    for (const { name, kind, attributes, links, parentSpanContext, status } of spans) {
      const { traceId, spanId } = spans[0].spanContext()
      const parent = parentSpanContext?.spanId
      const linked = links.map(({ context }) => context.spanId)
      appendFileSync(${JSON.stringify(file)}, JSON.stringify({ name, kind, attributes, linked, parent, traceId, spanId, status: status.code }) + '\\n')
    }
    done({ code: 0 })
  },
  async shutdown() {},
}
new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register()
`
}

interface SpanLine {
  readonly name: string
  readonly kind: number
  readonly attributes: Record<string, string>
  readonly linked: readonly string[]
  readonly parent: string | undefined
  readonly traceId: string
  readonly spanId: string
  readonly status: number
}

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const CALLER = 'b7ad6b7169203331'
/** Numbers of kinds of spans. */
const [SERVER, CLIENT] = [1, 2]

let system: System
let file: string

beforeAll(async () => {
  const folder = emptyFolder()
  file = join(folder, 'spans.jsonl')
  writeFileSync(file, '')
  writeFileSync(join(folder, 'sdk.mjs'), sdkWriting(file))
  system = await startSystem(folder, { NODE_OPTIONS: `--import ${join(folder, 'sdk.mjs')}` })
})

afterAll(async () => {
  await system?.program.stop()
  removeFolder(system?.folder)
})

const spans = (): SpanLine[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as SpanLine)
    .filter(({ traceId }) => traceId === TRACE)

async function post(path: string, body: object): Promise<number> {
  const headers = { 'content-type': 'application/json', traceparent: `00-${TRACE}-${CALLER}-01` }
  const answer = await fetch(`${system.http}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  await answer.text()
  return answer.status
}

it('one trace leads from a call over HTTP by the gateway, the broker and the service to the answer [promise 39]', async () => {
  expect(await post('/v1/conscience/evaluate', { tool: 'read_file', arguments: { path: 'a' } })).toBe(200)
  const names = () => spans().map(({ name }) => name)
  await expect
    .poll(names)
    .toEqual(
      expect.arrayContaining([
        'request jamey/api/requests',
        'answer jamey/api/requests',
        'request jamey/conscience/evaluate',
        'answer jamey/conscience/evaluate',
      ]),
    )
  const named = (name: string) => spans().find((span) => span.name === name) as SpanLine
  const asked = named('request jamey/api/requests')
  const routed = named('answer jamey/api/requests')
  const passedOn = named('request jamey/conscience/evaluate')
  const judged = named('answer jamey/conscience/evaluate')
  expect([asked.parent, routed.parent, passedOn.parent, judged.parent]).toEqual([
    CALLER,
    asked.spanId,
    routed.spanId,
    passedOn.spanId,
  ])
  expect([routed.linked, judged.linked]).toEqual([[asked.spanId], [passedOn.spanId]])
  expect([asked.kind, routed.kind, passedOn.kind, judged.kind]).toEqual([CLIENT, SERVER, CLIENT, SERVER])
  expect(judged.attributes).toMatchObject({
    'messaging.system': 'mqtt',
    'messaging.operation.name': 'answer',
    'messaging.operation.type': 'process',
    'messaging.destination.template': 'jamey/conscience/evaluate',
    'messaging.client.id': 'jamey-conscience',
    'jamey.action': 'evaluate',
  })
})

it('a call over MCP that tells its trace is answered within it', async () => {
  const before = spans().length
  const client = new Client({ name: 'test', version: '1.0.0' })
  const args = [JAMEY, 'mcp', '--client-id', 'traced-agent']
  const stdio = { command: process.execPath, args, cwd: system.folder, stderr: 'ignore' as const }
  await client.connect(new StdioClientTransport(stdio))
  const call = { name: 'recall', arguments: { query: 'anything' } }
  for (const traceparent of [`00-${TRACE}-${CALLER}-01`, 'anything']) {
    expect((await client.callTool({ ...call, _meta: { traceparent } })).isError).not.toBe(true)
  }
  await client.close()
  const answers = () =>
    spans()
      .slice(before)
      .map(({ name, parent }) => [name, parent])
  await expect.poll(answers).toEqual([['answer jamey/memory/query', CALLER]])
})

it('the trace of a failure says which', async () => {
  const before = spans().length
  expect(await post('/v1/memories/query', { limit: 1, from: '2020-01-01T00:00:00Z' })).toBe(200)
  const isMemory = ({ name }: SpanLine) => name === 'answer jamey/memory/query'
  await expect.poll(() => spans().slice(before).filter(isMemory).length).toBe(1)
  expect(spans().find(isMemory)?.status).toBe(0)
  expect(await post('/v1/memories', { content: 'x'.repeat(100_000), tags: ['\0'] })).toBe(400)
  const failed = () =>
    spans()
      .slice(before)
      .filter(({ status }) => status === 2)
  await expect.poll(() => failed().map(({ name }) => name)).toContain('answer jamey/memory/store')
  expect(failed().map(({ attributes }) => attributes['error.type'])).toContain('invalid-request')
})
