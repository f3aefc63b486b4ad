import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createSdkMcpServer, type Options, query, tool } from '@anthropic-ai/claude-agent-sdk'
import { claudeCanUseTool, claudeHooks } from '@jamey/agents/claude'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  describeAdapter,
  type RunAgent,
  type Scene,
} from '../../packages/agents/src/test-support/adapter.contract.js'
import { describeParallelCalls } from '../../packages/agents/src/test-support/parallel.contract.js'
import { ScriptedGateway } from '../../packages/agents/src/test-support/scripted-gateway.js'
import { ScriptedJudge, verdict } from '../../packages/agents/src/test-support/scripted-judge.js'
import { AnthropicStub, type Turn } from './anthropic-stub.js'

/** Claude Code itself, as the SDK starts it, with a model of ours in the place of Anthropic's. */

const NAME = 'mcp__mail__send'
let home: string

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'jamey-claude-'))
})

afterEach(() => rm(home, { recursive: true, force: true }))

/** Gives what the model was shown, one text a turn. */
async function converse(
  prompt: string,
  turns: readonly Turn[],
  options: Options,
  variables: Record<string, string> = {},
): Promise<readonly string[]> {
  const stub = new AnthropicStub(turns)
  const env = {
    PATH: process.env['PATH'],
    HOME: home,
    CLAUDE_CONFIG_DIR: join(home, 'config'),
    ANTHROPIC_BASE_URL: await stub.listen(),
    ANTHROPIC_API_KEY: 'none',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    ...variables,
  }
  try {
    for await (const _ of query({ prompt, options: { cwd: home, settingSources: [], env, ...options } }));
  } finally {
    await stub.close()
  }
  return stub.shown
}

const mail = (run: Scene['tool'], annotations = {}) =>
  createSdkMcpServer({
    name: 'mail',
    tools: [
      tool(
        'send',
        'sends',
        { to: z.any() },
        async (args) => ({ content: [{ type: 'text' as const, text: String(await run(args)) }] }),
        { annotations },
      ),
    ],
  })

/** Claude Code makes calls of one turn side by side only of tools that read; the others it makes one by one. */
const runHooks: RunAgent = async (judge, { prompt, args, more = [], tool: run }) => {
  const calls = [args as string, ...more].map((text, i) => ({ tool: NAME, id: `call-${i + 1}`, args: text }))
  const shown = await converse(prompt, [calls], {
    mcpServers: { mail: mail(run, { readOnlyHint: more.length > 0 }) },
    hooks: claudeHooks(judge, { grants: true }),
  })
  return { seen: shown[1] }
}

describeAdapter('hooks of Claude Code', runHooks, { takesValues: false, tool: NAME })
describeParallelCalls('Claude Code', runHooks, { tool: NAME, areTogether: false })

describe('hooks of Claude Code', () => {
  const bash = (command: string, id = 'call-1'): Turn => ({
    tool: 'Bash',
    id,
    args: JSON.stringify({ command }),
  })

  it('leave permissions as they are, unless they are to grant them', async () => {
    const judge = new ScriptedJudge()
    const shown = await converse('x', [bash('touch made && echo it was made')], { hooks: claudeHooks(judge) })
    expect(judge.evaluated).toMatchObject([{ tool: 'Bash' }])
    expect(shown[1]).not.toContain('"content":"it was made"')
  })

  it('have the session know a result before the next call is judged', async () => {
    const judge = new ScriptedJudge()
    const report = judge.report.bind(judge)
    let failures = 0
    judge.report = async (told) => {
      if (told.kind === 'result' && failures++ < 1) throw new Error('gone')
      await report(told)
    }
    await converse('x', [bash('echo first'), bash('echo second', 'call-2')], {
      hooks: claudeHooks(judge, { grants: true }),
    })
    expect(judge.evaluated).toHaveLength(2)
    expect(judge.reports).toMatchObject([
      { kind: 'request' },
      { kind: 'result', call_id: 'call-1', outcome: 'succeeded' },
      { kind: 'result', call_id: 'call-2', outcome: 'succeeded' },
    ])
  })

  it('let nothing run any more while the session cannot be told a result', async () => {
    const judge = new ScriptedJudge()
    const report = judge.report.bind(judge)
    judge.report = (told) => (told.kind === 'result' ? Promise.reject(new Error('gone')) : report(told))
    const shown = await converse('x', [bash('echo first'), bash('echo second', 'call-2')], {
      hooks: claudeHooks(judge, { grants: true }),
    })
    expect(judge.evaluated).toHaveLength(1)
    expect(shown[2]).toContain('its session could not be told')
    expect(shown[2]).not.toContain('"content":"second"')
  })

  it('tell a session of a call that failed', async () => {
    const judge = new ScriptedJudge()
    await converse('x', [bash('echo broken; exit 3')], { hooks: claudeHooks(judge, { grants: true }) })
    expect(judge.reports[1]).toMatchObject({ outcome: 'failed', result: expect.stringContaining('broken') })
  })

  it('block what takes longer than they have', async () => {
    const judge = new ScriptedJudge()
    judge.evaluate = () => new Promise(() => {})
    const { PreToolUse, ...others } = claudeHooks(judge, { grants: true })
    const hooks = { ...others, PreToolUse: PreToolUse.map((matcher) => ({ ...matcher, timeout: 1 })) }
    const shown = await converse('x', [bash('echo it ran')], { hooks })
    expect(shown[1]).not.toContain('"content":"it ran"')
    expect(shown[1]).toContain('was not executed')
  })
})

describe('the program that settings of Claude Code name', () => {
  const EXAMPLE = resolve(import.meta.dirname, '../../examples/agents/claude-code.js')
  const bash = (command: string): Turn => ({ tool: 'Bash', id: 'call-1', args: JSON.stringify({ command }) })

  /** With the settings of docs/agents.md, and everything permitted by the rules of Claude Code. */
  async function withSettings(gateway: ScriptedGateway, turns: readonly Turn[], program = EXAMPLE) {
    const page = await readFile(resolve(import.meta.dirname, '../../docs/agents.md'), 'utf8')
    const [, settings = ''] = /^```json\n(\{\n {2}"hooks".*?)^```/ms.exec(page) ?? []
    const named = JSON.parse(settings.replaceAll('/home/ann/guard/claude-code.js', program)) as object
    await mkdir(join(home, 'config'))
    const permissions = { allow: ['Bash'] }
    await writeFile(join(home, 'config/settings.json'), JSON.stringify({ ...named, permissions }))
    const url = await gateway.listen()
    try {
      return await converse('run it', turns, { settingSources: ['user'] }, { JAMEY_URL: url })
    } finally {
      await gateway.close()
    }
  }

  it('stands in docs/agents.md, and is short', async () => {
    const text = await readFile(EXAMPLE, 'utf8')
    expect(await readFile(resolve(import.meta.dirname, '../../docs/agents.md'), 'utf8')).toContain(text)
    expect(text.split('\n').length).toBeLessThanOrEqual(40)
  })

  it('has a call judged, run and told, after the words of the user', async () => {
    const gateway = new ScriptedGateway()
    gateway.answer = () => ({ verdict: { ...verdict('allow'), approved: true } })
    const shown = await withSettings(gateway, [bash('echo it ran')])
    expect(shown[1]).toContain('"content":"it ran"')
    expect(gateway.evaluations).toMatchObject([[{ tool: 'Bash', arguments: { command: 'echo it ran' } }]])
    expect(gateway.reports).toMatchObject([
      { kind: 'request', text: 'run it' },
      { kind: 'result', call_id: 'call-1', outcome: 'succeeded' },
    ])
  })

  it('has a call that is denied not run', async () => {
    const gateway = new ScriptedGateway()
    gateway.answer = () => ({ verdict: { ...verdict('deny', { reasons: ['not today'] }), approved: false } })
    const shown = await withSettings(gateway, [bash('echo it ran')])
    expect(shown[1]).not.toContain('"content":"it ran"')
    expect(shown[1]).toContain('not today')
  })

  it('has nothing go on where a result could not be told', async () => {
    const gateway = new ScriptedGateway()
    gateway.answer = () => ({ verdict: { ...verdict('allow'), approved: true } })
    gateway.resultStatus = 503
    const shown = await withSettings(gateway, [bash('echo it ran')])
    expect(gateway.evaluations).toHaveLength(1)
    expect(shown).toHaveLength(1)
  })

  it('has nothing begin where it cannot be started', async () => {
    const gateway = new ScriptedGateway()
    expect(await withSettings(gateway, [bash('echo it ran')], join(home, 'absent.js'))).toEqual([])
    expect(gateway.lines).toEqual([])
  })
})

describe('canUseTool of Claude Code', () => {
  const ask = (judge: ScriptedJudge, ran: unknown[]) =>
    converse('x', [{ tool: NAME, id: 'call-1', args: '{"to":"ann"}' }], {
      mcpServers: {
        mail: mail((args) => {
          ran.push(args)
          return 'sent'
        }),
      },
      canUseTool: claudeCanUseTool(judge, { sessionId: 'mine' }),
    })

  it('permits what is allowed, with the arguments of the verdict', async () => {
    const judge = new ScriptedJudge()
    judge.verdicts = [verdict('allow', { arguments: { to: 'nobody' } })]
    const ran: unknown[] = []
    await ask(judge, ran)
    expect(ran).toEqual([{ to: 'nobody' }])
    expect(judge.evaluated).toMatchObject([{ tool: NAME, session_id: 'mine', call_id: 'call-1' }])
  })

  it.each([
    ['is denied', verdict('deny', { reasons: ['no mail today'] }), 'no mail today'],
    ['nobody judges', new Error('gone'), 'no verdict could be had'],
  ])('does not permit what %s', async (_, answer, why) => {
    const judge = new ScriptedJudge()
    judge.verdicts = [answer]
    const ran: unknown[] = []
    const shown = await ask(judge, ran)
    expect(ran).toEqual([])
    expect(shown[1]).toContain(why)
  })
})
