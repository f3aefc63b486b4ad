import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type AsyncAPIDocumentInterface, DiagnosticSeverity, Parser } from '@asyncapi/parser'
import {
  asyncApiDocument,
  CONTRACTS,
  type Contract,
  isInboxTopic,
  isRequestContract,
  parametersOf,
} from '@jamey/contracts'
import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import { beforeAll, describe, expect, it } from 'vitest'

interface Envelope {
  readonly topic: string
  readonly payload: { readonly action: string; readonly error?: unknown }
}

const page = readFileSync(join(import.meta.dirname, '../../docs/wire.md'), 'utf8')
const envelopes = [...page.matchAll(/```json\n([\s\S]*?)```/g)]
  .map(([, text = '']) => JSON.parse(text))
  .filter((example): example is Envelope => 'message_id' in example)

/** The contracts of a user's module. */
async function ownContracts(): Promise<readonly Contract[]> {
  const module: string = '../../packages/testing/src/laboratory.mjs'
  const { readings, others } = await import(/* @vite-ignore */ module)
  return [readings, ...others.calibrate]
}

/** What the parser finds wrong, and the document where that is nothing. That 3.1 is the newest version is no fault. */
async function parse(json: object) {
  const { document, diagnostics } = await new Parser().parse(JSON.stringify(json))
  const faults = diagnostics
    .filter(
      ({ severity, code }) => severity !== DiagnosticSeverity.Hint && code !== 'asyncapi-latest-version',
    )
    .map(({ code, message, path }) => `${code} at ${path.join('/')}: ${message}`)
  return { document, faults }
}

/** The name of the message that an example of the wire is, as the document has it. */
function messageOf({ topic, payload }: Envelope): string | undefined {
  if (payload.error !== undefined) return 'failure'
  const contract = CONTRACTS.find(
    (one) =>
      one.action === payload.action &&
      (isInboxTopic(topic) ? isRequestContract(one) : parametersOf(one, topic) !== undefined),
  )
  const name = contract?.topic.replaceAll('/', '.').replace(/[{}]/g, '')
  return `${name}.${contract?.action}${isInboxTopic(topic) ? '.answer' : ''}`
}

describe('the AsyncAPI document', () => {
  const json = asyncApiDocument()
  let document: AsyncAPIDocumentInterface
  const ajv = new Ajv({ strict: false })
  addFormats.default(ajv)

  beforeAll(async () => {
    const { document: parsed, faults } = await parse(json)
    expect(faults).toEqual([])
    if (parsed === undefined) throw new Error('there is no document')
    document = parsed
  })

  it('is sound, with an operation of both sides for every contract', () => {
    expect(document.operations().all()).toHaveLength(2 * CONTRACTS.length)
  })

  it.each(envelopes.map((envelope) => [`${messageOf(envelope)} to ${envelope.topic}`, envelope] as const))(
    'says of the example in docs/wire.md that it is such a message, and no other: %s',
    (_, envelope) => {
      const name = messageOf(envelope)
      const message = document
        .components()
        .messages()
        .get(name ?? '')
      const isSuch = ajv.compile(message?.payload()?.json() ?? false)
      isSuch(envelope)
      expect(isSuch.errors).toBeNull()
      const other = { ...envelope, payload: { ...envelope.payload, data: undefined, error: undefined } }
      expect(isSuch(JSON.parse(JSON.stringify(other)))).toBe(false)
    },
  )

  it('is sound when it is of contracts of a user', async () => {
    const { document: own, faults } = await parse(
      asyncApiDocument(await ownContracts(), { title: 'The lab' }),
    )
    expect(faults).toEqual([])
    expect(
      own
        ?.operations()
        .all()
        .map((operation) => operation.id()),
    ).toEqual([
      'publish.lab.station.readings.reading',
      'subscribe.lab.station.readings.reading',
      'request.lab.calibrate.calibrate',
      'serve.lab.calibrate.calibrate',
    ])
    expect(own?.operations().get('request.lab.calibrate.calibrate')?.reply()?.channel()?.address()).toBeNull()
  })
})
