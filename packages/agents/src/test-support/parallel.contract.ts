import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { httpJudge } from '../judges/http-judge.js'
import type { CallJudge } from '../model/call-judge.js'
import type { RunAgent } from './adapter.contract.js'
import { ScriptedGateway } from './scripted-gateway.js'

const verdictOn = (decision: string, more: object = {}) => ({
  verdict: { decision, approved: decision === 'allow', reasons: [], rules: [], ...more },
})
const BUSY = { kind: 'overloaded', message: 'there is no room for this one', retryable: true }
const to = (name: string): string => JSON.stringify({ to: name })

export interface ParallelFacts {
  readonly tool?: string
  /** False of a framework that begins with the first call while its model still writes the next. */
  readonly areTogether?: boolean
}

/** Three calls in one turn of a model, in the framework's own loop, with a conscience that is reached over HTTP. */
export function describeParallelCalls(name: string, run: RunAgent, facts: ParallelFacts = {}): void {
  const { tool = 'send', areTogether = true } = facts
  describe(`${name}, with three calls in one turn`, () => {
    let gateway: ScriptedGateway
    let judge: CallJudge
    let ran: unknown[]
    const play = () =>
      run(judge, {
        prompt: 'write to all three',
        args: to('ann'),
        more: [to('bob'), to('eve')],
        tool: (args) => {
          ran.push(args)
          return `sent to ${(args as { to: string }).to}`
        },
      })
    const idsOf = (calls: readonly { readonly call_id?: string }[]) => calls.map(({ call_id }) => call_id)

    beforeEach(async () => {
      gateway = new ScriptedGateway()
      judge = httpJudge({ url: await gateway.listen() })
      ran = []
    })
    afterEach(() => gateway.close())

    it('asks about all at once, and each has what becomes of it: allowed, approved, denied', async () => {
      let isAsked = false
      gateway.answer = ({ arguments: { to: name } }) => {
        if (name === 'eve') return verdictOn('deny', { reasons: ['no mail to eve'] })
        if (name === 'ann' || isAsked) return verdictOn('allow', { evaluation_id: `of ${name}` })
        isAsked = true
        return verdictOn('ask', { approval: { id: 'approval-1' }, reasons: ['bob is not known'] })
      }
      const { seen } = await play()
      const asked = [['call-1', 'call-2', 'call-3'], ['call-2']]
      if (areTogether) expect(gateway.evaluations.map(idsOf)).toEqual(asked)
      else expect(gateway.evaluations.flatMap(idsOf).sort()).toEqual(asked.flat().sort())
      expect(ran).toHaveLength(2)
      expect(ran).toEqual(expect.arrayContaining([{ to: 'ann' }, { to: 'bob' }]))
      for (const words of ['sent to ann', 'sent to bob', 'no mail to eve']) expect(seen).toContain(words)
      expect(seen).not.toContain('sent to eve')
      const results = gateway.reports.filter(({ kind }) => kind === 'result')
      expect(results).toHaveLength(2)
      for (const name of ['ann', 'bob']) {
        expect(results).toContainEqual(
          expect.objectContaining({ tool, arguments: { to: name }, evaluation_id: `of ${name}` }),
        )
      }
      // Once, though each call comes with them.
      expect(gateway.reports.filter(({ kind }) => kind === 'request')).toMatchObject([
        { text: 'write to all three' },
      ])
    })

    it('does not run the one alone that no verdict could be had on', async () => {
      gateway.answer = ({ arguments: { to: name } }) =>
        name === 'bob' ? { error: BUSY } : verdictOn('allow')
      const { seen } = await play()
      expect(ran).toHaveLength(2)
      expect(ran).toEqual(expect.arrayContaining([{ to: 'ann' }, { to: 'eve' }]))
      expect(seen).toContain('there is no room for this one')
    })

    it('runs none where the conscience cannot be reached', async () => {
      gateway.status = 503
      const { seen } = await play()
      expect(ran).toEqual([])
      expect(seen?.split('no verdict could be had')).toHaveLength(4)
      expect(gateway.evaluations.flat()).toHaveLength(3)
      if (areTogether) expect(gateway.evaluations).toHaveLength(1)
    })
  })
}
