import { describe, expect, it } from 'vitest'
import { formatEvent, type SentMessage } from './event-view.js'

const PLAIN = (text: string) => text
const colors = { bold: PLAIN, dim: PLAIN, red: PLAIN, green: PLAIN, yellow: PLAIN, cyan: PLAIN }
const now = new Date(2024, 10, 14, 20, 0, 0)

function line(
  topic: string,
  action: string,
  data: object,
  more: Partial<SentMessage> = {},
  metadata = {},
  columns = 100,
) {
  const envelope = { payload: { action, data }, metadata: { client_id: 'said', ...metadata } }
  const payload = Buffer.from(JSON.stringify(envelope))
  const message = { topic, payload, qos: 1, retain: false, dup: false, ...more } as const
  return formatEvent(message, { colors: colors as never, columns, now })
}

describe('an event on one line', () => {
  it('tells who is there, since before or as of now, and what keeps it from its work', () => {
    const status = { state: 'online', component: 'memory', version: '0.1.0', since: '2024-11-14T20:00:00Z' }
    const topic = 'jamey/events/status/jamey-memory'
    expect(line(topic, 'status', status, { retain: true })).toBe(
      '20:00:00  status     jamey-memory        online  (before)  memory 0.1.0',
    )
    const faults = [{ kind: 'storage-full', message: 'The disk is full.' }]
    expect(line(topic, 'status', { ...status, faults })).toBe(
      '20:00:00  status     jamey-memory        online  memory 0.1.0: The disk is full.',
    )
  })

  it('is cut where a terminal ends, and whole elsewhere', () => {
    const error = { component: 'robot', kind: 'stuck', message: `${'far '.repeat(100)}end`, retryable: true }
    const told = (columns: number) => line('jamey/events/errors', 'error', error, {}, {}, columns)
    expect(told(100)).toMatch(/^.{1,100}…$/)
    expect(told(Number.POSITIVE_INFINITY)).toMatch(/ far end$/)
  })

  it('tells failures, and for whom a sender speaks', () => {
    const error = { component: 'robot', kind: 'stuck', message: 'The door\nis shut.', retryable: true }
    const topic = 'jamey/events/errors'
    expect(line(topic, 'error', error, { sender: 'robot-7' })).toBe(
      '20:00:00  error      robot-7             stuck  The door is shut.',
    )
    const onBehalfOf = { on_behalf_of: { client_id: 'eva', permissions: [] } }
    const passedOn = { sender: 'jamey-gateway', principal: 'eva' }
    expect(line(topic, 'error', error, passedOn, onBehalfOf)).toContain('eva by jamey-gateway  stuck')
    const claimed = { sender: 'mallory', principal: 'mallory' }
    expect(line(topic, 'error', error, claimed, onBehalfOf)).not.toContain('eva')
    expect(line(topic, 'error', error)).toContain('said?')
  })

  it('tells approvals by who wants them, and who answered', () => {
    const approval = {
      approval_id: '0d7ff1f6-6a0f-4f0b-9d39-6a1b5f0f7a11.jamey-conscience',
      status: 'denied',
      tool: 'Bash',
      arguments: { command: 'ls' },
      call_digest: 'sha256:0',
      reasons: [],
      rules: [],
      policy_version: '1',
      requested_by: 'agent-1',
      created_at: '2024-11-14T20:00:00Z',
      approvers: 1,
      answers: [{ answered_by: 'eva', decision: 'deny', answered_at: '2024-11-14T20:00:00Z' }],
      changed_at: '2024-11-14T20:00:00Z',
    }
    const topic =
      'jamey/conscience/approvals/0d7ff1f6-6a0f-4f0b-9d39-6a1b5f0f7a11.jamey-conscience/jamey-conscience'
    expect(line(topic, 'approval', approval)).toBe(
      '20:00:00  approval   agent-1             denied by eva  Bash {"command":"ls"} (0d7ff1f6)',
    )
  })

  it('tells any other message by its topic, and is no longer than the terminal is wide', () => {
    const message = {
      topic: 'home/lamp',
      payload: Buffer.from('on'),
      qos: 0,
      retain: false,
      dup: false,
    } as const
    const view = { colors: colors as never, columns: 80, now }
    expect(formatEvent(message, view)).toBe('20:00:00  message    ?                   home/lamp on')
    expect(line('own/topic', 'move', { x: 1 })).toBe(
      '20:00:00  message    said?               own/topic move {"x":1}',
    )
    const long = formatEvent({ ...message, payload: Buffer.from('x'.repeat(500)) }, view)
    expect(long.length).toBeLessThanOrEqual(80)
    expect(formatEvent({ ...message, payload: Uint8Array.of(0xff) }, view)).toContain(
      '1 bytes that are no text',
    )
  })

  it('lets nobody write another line, or to the terminal itself', () => {
    const message = {
      topic: 'home/lamp',
      payload: Buffer.from('a\r\n20:00:00  status  online\u001b[2J\u202e'),
      qos: 0,
      retain: false,
      dup: false,
    } as const
    const text = formatEvent(message, { colors: colors as never, columns: 100, now })
    for (const character of ['\r', '\n', '\u001b', '\u202e']) expect(text).not.toContain(character)
    expect(text).toContain('\\u001b[2J')
  })
})
