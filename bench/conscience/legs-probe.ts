import { writeFileSync } from 'node:fs'

/**
 * Loaded into `jamey up` before anything else, by `legs.ts`: notes when a verdict passes which place, and writes all of it
 * down at the end. So nothing that is shipped measures itself.
 */

type Method = (this: unknown, ...args: unknown[]) => unknown
type Prototype = Record<string, Method>

const ROOT = new URL('../../../', import.meta.url)
/** Name of a place, moment in milliseconds, and how long what began there took; undefined where it was a moment. */
const seen: [string, number, number | undefined][] = []
const now = (): number => Number(process.hrtime.bigint()) / 1e6

async function prototypeOf(module: string, name: string): Promise<Prototype> {
  const found = (await import(new URL(module, ROOT).href)) as Record<string, { prototype: Prototype }>
  return (found[name] as { prototype: Prototype }).prototype
}

async function watch(
  module: string,
  name: string,
  method: string,
  placeOf: (args: unknown[]) => string | undefined,
): Promise<void> {
  const prototype = await prototypeOf(module, name)
  const original = prototype[method] as Method
  prototype[method] = function (...args) {
    const place = placeOf(args)
    if (place === undefined) return original.apply(this, args)
    const from = now()
    const note: (typeof seen)[number] = [place, from, undefined]
    seen.push(note)
    const result = original.apply(this, args)
    if (result instanceof Promise) result.then(() => (note[2] = now() - from)).catch(() => {})
    return result
  }
}

const topicOf = ([message]: unknown[]): string => (message as { topic: string }).topic
await watch('packages/broker/dist/routing/router.js', 'Router', 'publish', (args) => {
  const topic = topicOf(args)
  if (topic.startsWith('jamey/conscience/evaluate')) return 'the broker has the request'
  if (topic.startsWith('jamey/conscience/results')) return 'the broker has the announcement'
  return topic.startsWith('jamey/api/responses/bench/') ? 'the broker has the answer' : undefined
})
await watch(
  'packages/store/dist/lmdb/lmdb-environment.js',
  'LmdbEnvironment',
  'commit',
  () => 'a store commits',
)
await watch('packages/bus/dist/requests/request-server.js', 'RequestServer', 'handle', (args) =>
  topicOf(args).startsWith('jamey/conscience/evaluate') ? 'the service has it' : undefined,
)
await watch(
  'services/conscience/dist/thread/evaluation-thread.js',
  'EvaluationThread',
  'evaluate',
  () => 'in the thread',
)
await watch('services/conscience/dist/audit/audit-log.js', 'AuditLog', 'append', () => 'to the audit')
await watch('packages/bus/dist/requests/answer-outlet.js', 'AnswerOutlet', 'publish', ([answer]) =>
  topicOf([answer]).startsWith('jamey/api/responses/bench/') ? 'the answer is published' : undefined,
)

process.on('exit', () => writeFileSync(process.env['JAMEY_BENCH_LEGS'] as string, JSON.stringify(seen)))
