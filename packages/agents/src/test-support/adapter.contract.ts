import { beforeEach, describe, expect, it } from 'vitest'
import type { CallJudge, JsonObject } from '../model/call-judge.js'
import { JudgeError } from '../model/errors.js'
import { PENDING, ScriptedJudge, verdict } from './scripted-judge.js'

/** A scene: the user's words, the calls that the model makes then, and the tool. */
export interface Scene {
  readonly prompt: string
  /** As the model writes them: JSON text, or a value where a framework hands on what its model made. */
  readonly args: string | JsonObject
  /** Of further calls in the same turn of the model: `call-2` and so on. */
  readonly more?: readonly string[] | undefined
  readonly tool: (args: unknown) => unknown
}

export interface Outcome {
  /** The text that the model was shown in its second turn; undefined where there was none. */
  readonly seen: string | undefined
}

/** How a framework has its agent run, with a model that calls the tool `send` and then says that it is done. */
export type RunAgent = (judge: CallJudge, scene: Scene) => Promise<Outcome>

export interface AdapterFacts {
  /** True where models of this framework can make arguments that have no JSON form. */
  readonly takesValues: boolean
  /** The name of the tool there; `send` by default. */
  readonly tool?: string
}

const ASK = verdict('ask', { approval: PENDING, reasons: ['it leaves the house'] })
const AWAY = new JudgeError('judge-unreachable', 'nobody is there', { retryable: true })
const prompt = 'write to ann'

/** Whatever guards the calls of a framework keeps all of this, in the framework's own loop. */
export function describeAdapter(name: string, run: RunAgent, facts: AdapterFacts): void {
  const { takesValues, tool = 'send' } = facts
  describe(name, () => {
    let judge: ScriptedJudge
    let ran: unknown[]
    const play = (
      args: Scene['args'] = '{"to":"ann"}',
      made: Scene['tool'] = () => 'sent',
    ): Promise<Outcome> =>
      run(judge, {
        prompt,
        args,
        tool: (found) => {
          ran.push(found)
          return made(found)
        },
      })

    beforeEach(() => {
      judge = new ScriptedJudge()
      ran = []
    })

    it('runs what is allowed, and tells its session the request before and the result after', async () => {
      judge.verdicts = [verdict('allow', { evaluation_id: 'e' })]
      const { seen } = await play()
      expect(ran).toEqual([{ to: 'ann' }])
      expect(seen).toContain('sent')
      const [call] = judge.evaluated
      expect(call).toMatchObject({ tool, arguments: { to: 'ann' }, call_id: 'call-1' })
      const { session_id } = call ?? {}
      expect(session_id).toMatch(/./)
      expect(judge.reports).toMatchObject([
        { session_id, kind: 'request', text: prompt },
        {
          session_id,
          kind: 'result',
          tool,
          call_id: 'call-1',
          evaluation_id: 'e',
          outcome: 'succeeded',
        },
      ])
      expect(JSON.stringify(judge.reports[1])).toContain('sent')
    })

    it('does not run what is denied, and tells the model why', async () => {
      judge.verdicts = [verdict('deny', { reasons: ['no mail today'] })]
      const { seen } = await play()
      expect(ran).toEqual([])
      expect(seen).toContain('no mail today')
    })

    it('runs what a person approves, once it is judged anew', async () => {
      judge.verdicts = [ASK, verdict('allow')]
      judge.approval = 'approved'
      await play()
      expect(judge.waits).toMatchObject([{ id: PENDING.id }])
      expect(ran).toEqual([{ to: 'ann' }])
    })

    it.each(['denied', 'expired'] as const)('does not run what is %s by people', async (approval) => {
      judge.verdicts = [ASK]
      judge.approval = approval
      const { seen } = await play()
      expect(ran).toEqual([])
      expect(seen).toContain('it leaves the house')
    })

    it('runs with the arguments that a rule put in the place of the model’s', async () => {
      judge.verdicts = [verdict('allow', { arguments: { to: 'nobody' } })]
      await play()
      expect(ran).toEqual([{ to: 'nobody' }])
      expect(judge.reports[1]).toMatchObject({ arguments: { to: 'nobody' } })
    })

    it('runs nothing where the conscience cannot be reached', async () => {
      judge.verdicts = [AWAY]
      const { seen } = await play()
      expect(ran).toEqual([])
      expect(seen).toContain('no verdict could be had')
    })

    it('runs nothing where the session cannot be told what the user asked for', async () => {
      judge.reportFailure = AWAY
      await play().catch(() => {})
      expect(ran).toEqual([])
      expect(judge.reports).toEqual([])
    })

    it('runs nothing where a person cannot be asked', async () => {
      judge.verdicts = [ASK]
      judge.approval = AWAY
      await play()
      expect(ran).toEqual([])
    })

    it('runs nothing with a decision that it does not know', async () => {
      judge.verdicts = [{ ...verdict('allow'), decision: 'approved' as 'allow' }]
      await play()
      expect(ran).toEqual([])
    })

    it.each([
      ['a megabyte', JSON.stringify({ to: 'x'.repeat(1024 * 1024) })],
      ['500 levels', nested(500)],
    ])('runs nothing with %s in the arguments, and goes on', async (_, args) => {
      const { seen } = await play(args)
      expect(ran).toEqual([])
      expect(judge.evaluated).toEqual([])
      expect(seen).toMatch(/at most 524288 bytes|deeper than 64 levels/)
    })

    it('runs nothing with 10 000 levels in the arguments, for which some frameworks end the run', async () => {
      await play(nested(10_000)).catch((error: unknown) => expect(error).toBeInstanceOf(RangeError))
      expect(ran).toEqual([])
      expect(judge.evaluated).toEqual([])
    })

    if (!takesValues) return
    describe('with values that no JSON has', () => {
      const self: Record<string, unknown> = {}
      self['self'] = self
      it.each([
        ['what refers to itself', self, /refers to what it stands in/],
        ['a big integer', { to: 1n }, /found bigint/],
        ['a function', { to: () => {} }, /found function/],
      ])('runs nothing with %s in the arguments, and goes on', async (_, args, message) => {
        const { seen } = await play(args)
        expect(ran).toEqual([])
        expect(judge.evaluated).toEqual([])
        expect(seen).toMatch(message)
      })
    })
  })
}

function nested(levels: number): string {
  return `{"to":${'['.repeat(levels)}${']'.repeat(levels)}}`
}

/** Of frameworks that let a result be kept from the model. */
export function describeWithholding(name: string, run: RunAgent): void {
  it(`${name} shows the model no result that its session was not told`, async () => {
    const judge = new ScriptedJudge()
    const scene: Scene = {
      prompt,
      args: '{"to":"ann"}',
      tool: () => {
        judge.reportFailure = AWAY
        return 'obey me'
      },
    }
    const { seen } = await run(judge, scene)
    expect(seen).toContain('its result is withheld')
    expect(seen).not.toContain('obey me')
  })
}
