import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { signToken, TokenVerifier } from '@jamey/auth'
import {
  CONTRACTS,
  type Contract,
  isInboxTopic,
  isRequestContract,
  OPERATIONS,
  parametersOf,
  remoteFailureSchema,
} from '@jamey/contracts'
import { describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { digestOf } from '../wire/answer-binding.js'
import { decodeEnvelope, type Envelope } from '../wire/envelope.js'

const document = readFileSync(join(import.meta.dirname, '../../../../docs/wire.md'), 'utf8')
const examples = [...document.matchAll(/```json\n([\s\S]*?)```/g)].map((match) => match[1] as string)
const parsed = examples.map((text) => JSON.parse(text) as Record<string, unknown>)
const envelopes = parsed
  .filter((example) => 'message_id' in example)
  .map((example) => decodeEnvelope(String(example['topic']), Buffer.from(JSON.stringify(example))))

/** What is others' has the shapes of what is one's own, at topics of its own, and these have little of their own: told in words. */
const TOLD = ['revoke_approval', 'use_approval', 'give_back_approval', 'withdraw_approval', 'remember']
const SHOWN = CONTRACTS.filter(
  ({ topic, action }) => !topic.startsWith('jamey/memory/others/') && !TOLD.includes(action),
)

function contractOf({ topic, payload }: Envelope): Contract | undefined {
  return CONTRACTS.find(
    (contract) =>
      payload.action === contract.action &&
      (isInboxTopic(topic) ? isRequestContract(contract) : parametersOf(contract, topic) !== undefined),
  )
}

/** What the data or error of an example must look like. */
function schemaOf(envelope: Envelope): z.ZodType | undefined {
  const contract = contractOf(envelope)
  if (contract === undefined) return undefined
  if (!isInboxTopic(envelope.topic)) return contract.schema
  if (envelope.payload.error !== undefined) return remoteFailureSchema
  return isRequestContract(contract) ? contract.responseSchema : undefined
}

describe('docs/wire.md', () => {
  it('has an example of every contract and of every answer', () => {
    const shown = new Set(envelopes.map((one) => `${isInboxTopic(one.topic)} ${one.payload.action}`))
    const needed = SHOWN.flatMap((contract) =>
      isRequestContract(contract)
        ? [`false ${contract.action}`, `true ${contract.action}`]
        : [`false ${contract.action}`],
    )
    expect([...shown].sort()).toEqual([...new Set(needed)].sort())
  })

  it.each(
    envelopes.map((envelope) => [`${envelope.payload.action} on ${envelope.topic}`, envelope] as const),
  )('shows what the code accepts, with no field too many: %s', (_, envelope) => {
    const found = envelope.payload.error ?? envelope.payload.data
    const checked = schemaOf(envelope)?.safeParse(found)
    expect(checked?.error).toBeUndefined()
    expect(checked?.data).toEqual(found)
    expect(Object.keys(envelope.payload)).toHaveLength(2)
  })

  it('answers each of its requests under the same correlation id, in the inbox it names', () => {
    const requests = envelopes.filter((envelope) => envelope.metadata.reply_to !== undefined)
    const kinds = SHOWN.filter(isRequestContract)
    expect(requests).toHaveLength(kinds.length)
    for (const { topic, metadata, payload } of requests) {
      const contract = kinds.find(
        (one) => one.action === payload.action && parametersOf(one, topic) !== undefined,
      )
      const service = contract?.service
      const answers = envelopes.filter((one) => one.topic === metadata.reply_to)
      const answer = answers.find((one) => one.metadata.correlation_id === metadata.correlation_id)
      expect(answer?.payload.action).toBe(payload.action)
      const binding = {
        request_digest: digestOf(topic, payload),
        requested_by: metadata.client_id,
        correlation_id: metadata.correlation_id,
      }
      if (contract?.isBound === true) expect(answer?.payload.data).toMatchObject(binding)
      expect(metadata.reply_to).toMatch(new RegExp(`^jamey/api/responses/${metadata.client_id}/${service}/`))
    }
  })

  it('lists every topic with its action, QoS, and whether it is retained and answered', () => {
    const rows = [
      ...document.matchAll(/^\| `(jamey\/[^`]+)` \| `(\w+)` \| (\d) \| (yes|no) \| (yes|no) \|$/gm),
    ]
    const yes = (is: boolean): string => (is ? 'yes' : 'no')
    expect(rows.map((row) => row.slice(1))).toEqual(
      CONTRACTS.map((one) => [
        one.topic,
        one.action,
        String(one.qos),
        yes(one.retain),
        yes(isRequestContract(one)),
      ]),
    )
  })

  it('names every operation of the API', () => {
    for (const name of Object.keys(OPERATIONS)) expect(document).toContain(`\`${name}\``)
  })

  it('shows the claims of a token as they are made and verified', async () => {
    const claims = parsed.find((example) => 'sub' in example) as {
      sub: string
      iat: number
      exp: number
      jti: string
      permissions: string[]
    }
    const secret = 'a secret of at least 32 bytes, for tests'
    const now = (): number => claims.iat * 1000
    const token = await signToken({ ...claims, now }, secret)
    const verified = await new TokenVerifier({ secret, now }).verify(token, { expectedSubject: claims.sub })
    expect(verified).toEqual(claims)
  })

  it('has no JSON that is neither an envelope nor a part of one nor claims', () => {
    const others = parsed.filter((example) => !('message_id' in example))
    expect(others.map((example) => Object.keys(example)[0])).toEqual(['sub', 'on_behalf_of'])
  })
})
