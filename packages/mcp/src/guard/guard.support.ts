import { PassThrough } from 'node:stream'
import type { CallJudge, CallVerdict, SessionReport, ToolCall } from '@jamey/agents'
import { FakeClock } from '@jamey/testing'
import { linesOf } from '../lines/line-splitter.js'
import { guardMcp, MAXIMUM_LINE_BYTES } from './mcp-guard.js'
import type { ServerEnd } from './server-link.js'

export const ALLOW: CallVerdict = { decision: 'allow', reasons: [], rules: [] }
export const DENY: CallVerdict = { decision: 'deny', reasons: ['it is night'], rules: [] }
export const ASK: CallVerdict = { decision: 'ask', reasons: ['it pays'], rules: [] }
export const WAIT_MS = 45_000

export type Json = { [name: string]: unknown } & { result?: { content?: { text?: string }[] } }

/** One side of the guard: what it was sent, in order. */
class Side {
  readonly written = new PassThrough()
  readonly #lines = linesOf(this.written, 2 * MAXIMUM_LINE_BYTES)

  async text(): Promise<string> {
    const { value } = await this.#lines.next()
    return value?.kind === 'line' ? value.bytes.toString('utf8') : String(value?.kind)
  }

  async next(): Promise<Json> {
    return JSON.parse(await this.text()) as Json
  }
}

/** A guard whose client and server are the test, and whose judge says what the test says. */
export function rig(
  options: { verdict?: (call: ToolCall) => CallVerdict | Promise<CallVerdict>; elicit?: boolean } = {},
) {
  const [fromClient, fromServer] = [new PassThrough(), new PassThrough()]
  const [client, server] = [new Side(), new Side()]
  const clock = new FakeClock()
  const calls: ToolCall[] = []
  const reports: SessionReport[] = []
  const notes: string[] = []
  const faults: { report?: Error } = {}
  const answers: ((answer: 'approved' | 'denied') => void)[] = []
  const withdrawals: { id: string; because: string }[] = []
  /** The queue's answer to a withdrawal; undefined: it cannot be reached. */
  const queue: { says: 'withdrawn' | 'approved' | 'denied' | undefined } = { says: 'withdrawn' }
  let approved = false
  const judge: CallJudge = {
    evaluate: async (call) => {
      calls.push(call)
      return approved ? ALLOW : await (options.verdict ?? (() => ALLOW))(call)
    },
    waitForApproval: (_, { signal }) =>
      new Promise((resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason))
        answers.push((answer) => {
          approved = answer === 'approved'
          resolve(answer)
        })
      }),
    withdraw: async (id, { because }) => {
      withdrawals.push({ id, because })
      approved ||= queue.says === 'approved'
      if (queue.says === undefined) throw new Error('nobody is there')
      return queue.says
    },
    report: async (report) => {
      if (faults.report !== undefined) throw faults.report
      reports.push(report)
    },
  }
  let die: (end: ServerEnd) => void = () => {}
  const ended = new Promise<ServerEnd>((resolve) => {
    die = (end) => {
      fromServer.end()
      resolve(end)
    }
  })
  const finished = guardMcp({
    client: { input: fromClient, output: client.written },
    server: {
      output: fromServer,
      input: server.written,
      ended,
      close: () => {
        die({ isFailure: false, text: 'closed' })
        return ended
      },
    },
    judge,
    serverName: 'files',
    cwd: '/home/ann/project',
    waitMs: WAIT_MS,
    isElicitationTrusted: options.elicit ?? false,
    clock,
    note: (line) => notes.push(line),
  })
  const text = (line: unknown) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`
  return {
    client,
    server,
    clock,
    calls,
    reports,
    notes,
    faults,
    answers,
    withdrawals,
    queue,
    finished,
    die,
    leave: () => fromClient.end(),
    clientSays: (line: unknown) => void fromClient.write(text(line)),
    serverSays: (line: unknown) => void fromServer.write(text(line)),
  }
}

export const call = (id: unknown, name = 'read', args: object = { path: 'a' }, more: object = {}) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: args, ...more },
})
export const result = (id: unknown, text = 'done') => ({
  jsonrpc: '2.0',
  id,
  result: { content: [{ type: 'text', text }] },
})
export const errorText = ({ result: found }: Json) => found?.content?.[0]?.text
