import { describe, expect, it } from 'vitest'
import { PENDING, ScriptedJudge, verdict } from '../test-support/scripted-judge.js'
import { claudeCanUseTool, claudeHooks } from './index.js'

/** The hooks by themselves; in Claude Code they are tried in tests/agents. */

const asked = { signal: new AbortController().signal }
const session_id = 's'

function hooksOf(judge: ScriptedJudge, options = {}) {
  const hooks = claudeHooks(judge, options)
  const say = (name: keyof typeof hooks, input: object) => {
    const [hook] = hooks[name][0]?.hooks ?? []
    return hook?.({ hook_event_name: name, session_id, ...input }, undefined, asked)
  }
  return { hooks, say }
}

describe('hooks of Claude Code', () => {
  const call = { tool_name: 'Bash', tool_input: { command: 'ls' }, tool_use_id: 'c' }

  it('block where they fail, and have the time of a person to answer', () => {
    const { hooks } = hooksOf(new ScriptedJudge(), { approvalTimeoutMs: 120_000 })
    const matchers = Object.values(hooks).flat()
    expect(matchers.map(({ onFailure }) => onFailure)).toEqual(Array(4).fill('block'))
    expect(hooks.PreToolUse[0]?.timeout).toBe(180)
  })

  it('say in which folder Claude Code is, where it says so', async () => {
    const judge = new ScriptedJudge()
    const { say } = hooksOf(judge)
    for (const cwd of ['/home/ann/project', '', 1, undefined]) await say('PreToolUse', { ...call, cwd })
    expect(judge.evaluated.map(({ cwd }) => cwd)).toEqual([
      '/home/ann/project',
      undefined,
      undefined,
      undefined,
    ])
  })

  it.each([
    [{ grants: true }, { hookEventName: 'PreToolUse', permissionDecision: 'allow' }],
    [{}, { hookEventName: 'PreToolUse' }],
  ])('with %j answer a call that is allowed', async (options, hookSpecificOutput) => {
    const { say } = hooksOf(new ScriptedJudge(), options)
    expect(await say('PreToolUse', call)).toEqual({ hookSpecificOutput })
  })

  it.each([
    ['is no object', 'ls'],
    ['is missing', undefined],
    ['has a big integer', { count: 1n }],
  ])('deny a call whose input %s', async (_, tool_input) => {
    const judge = new ScriptedJudge()
    const { say } = hooksOf(judge)
    expect(await say('PreToolUse', { ...call, tool_input })).toMatchObject({
      hookSpecificOutput: { permissionDecision: 'deny' },
    })
    expect(judge.evaluated).toEqual([])
  })

  it('tell a session what its user said, and not what a timer or another agent said', async () => {
    const judge = new ScriptedJudge()
    const { say } = hooksOf(judge)
    for (const source of [undefined, 'user', 'sdk', 'system', 'loop_wakeup', 'of a later version']) {
      expect(await say('UserPromptSubmit', { prompt: `by ${source}`, source })).toEqual({})
    }
    expect(judge.reports).toMatchObject([{ text: 'by undefined' }, { text: 'by user' }, { text: 'by sdk' }])
  })

  it('block a prompt that the session could not be told', async () => {
    const judge = new ScriptedJudge()
    judge.reportFailure = new Error('gone')
    const { say } = hooksOf(judge)
    expect(await say('UserPromptSubmit', { prompt: 'x' })).toMatchObject({ decision: 'block' })
  })

  it('let nothing pass any more once too many results wait to be told', async () => {
    const judge = new ScriptedJudge()
    const { say } = hooksOf(judge)
    judge.reportFailure = new Error('gone')
    for (let i = 0; i < 1001; i++)
      await say('PostToolUse', { ...call, session_id: `${i}`, tool_response: 'x' })
    judge.reportFailure = undefined
    expect(await say('PreToolUse', call)).toMatchObject({
      hookSpecificOutput: { permissionDecision: 'deny' },
    })
  })
})

describe('canUseTool of Claude Code', () => {
  const ask = (judge: ScriptedJudge) =>
    claudeCanUseTool(judge)('Bash', { command: 'ls' }, { ...asked, toolUseID: 'c' })

  it('permits what a person approves, and denies everything else', async () => {
    const judge = new ScriptedJudge()
    judge.verdicts = [verdict('ask', { approval: PENDING }), verdict('allow'), verdict('deny')]
    judge.approval = 'approved'
    expect(await ask(judge)).toEqual({ behavior: 'allow', updatedInput: { command: 'ls' } })
    expect(await ask(judge)).toMatchObject({ behavior: 'deny' })
    judge.verdicts = [new Error('gone')]
    expect(await ask(judge)).toMatchObject({ behavior: 'deny' })
  })
})
