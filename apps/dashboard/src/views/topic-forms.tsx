import { useId, useState } from 'preact/hooks'
import { type ContractSummary, contracts, exampleOf } from '../api/contracts.js'
import { messages, type RequestAnswer } from '../api/endpoints.js'
import { ApiError } from '../api/problem.js'
import { useAct } from '../parts/async.js'
import { Choice, Form } from '../parts/form.js'
import { JsonView } from '../parts/json.js'
import { NeedsPermission, NeedsToken, ProblemNote } from '../parts/notice.js'
import { Text } from '../parts/text.js'
import { isLocal, rights } from '../state/session.js'

const QOS = [0, 1, 2] as const
const TIMEOUT_MS = 10_000

/** Sends one message to a topic. */
export function PublishForm({ topic }: { topic: string }) {
  const [payload, setPayload] = useState('')
  const [qos, setQos] = useState<0 | 1 | 2>(1)
  const [retain, setRetain] = useState(false)
  const [told, setTold] = useState('')
  const { isBusy, error, run } = useAct()
  if (topic !== '' && !rights.value.mayPublish(topic)) {
    return <NeedsPermission permission={`publish:${topic}`} what="Publishing here" />
  }
  if (isLocal.value) return <NeedsToken what="Publishing needs" />
  return (
    <Form
      onSubmit={() => {
        setTold('')
        run(async () => {
          await messages.publish(topic, { ...bodyOf(payload), qos, retain })
          setTold(`Published to ${topic}.`)
        })
      }}
    >
      <Payload topic={topic} isRequest={false} payload={payload} onPayload={setPayload} />
      <div class="bar">
        <Choice
          label="Quality of service"
          options={QOS}
          names={(value) => `QoS ${value}`}
          value={qos}
          onChoose={setQos}
        />
        <label class="check">
          <input type="checkbox" checked={retain} onChange={() => setRetain(!retain)} />
          retain
        </label>
        <button type="submit" class="primary" disabled={isBusy || topic === ''}>
          Publish
        </button>
      </div>
      <p class="told" role="status">
        {told}
      </p>
      {error !== undefined && <ProblemNote error={error} />}
    </Form>
  )
}

/** Asks whoever serves a topic, and shows the answer. */
export function RequestForm({ topic }: { topic: string }) {
  const actions = contracts.filter((one) => one.isRequest && one.topic === topic)
  const [payload, setPayload] = useState('')
  const [chosen, setChosen] = useState('')
  const field = useId()
  const [answer, setAnswer] = useState<RequestAnswer | undefined>(undefined)
  const { isBusy, error, run } = useAct()
  if (topic !== '' && !rights.value.mayPublish(topic)) {
    return <NeedsPermission permission={`publish:${topic}`} what="Asking here" />
  }
  if (isLocal.value) return <NeedsToken what="Asking needs" />
  const action = actions.find((one) => one.action === chosen)?.action ?? actions[0]?.action ?? chosen
  const send = async (): Promise<void> => {
    const body = { payload: parsed(payload), timeout_ms: TIMEOUT_MS, ...(action === '' ? {} : { action }) }
    setAnswer(await messages.request(topic, body))
  }
  return (
    <Form
      onSubmit={() => {
        setAnswer(undefined)
        run(send)
      }}
    >
      <div class="field">
        <label for={field}>Action</label>
        {actions.length > 0 ? (
          <select id={field} value={action} onChange={(event) => setChosen(event.currentTarget.value)}>
            {actions.map((one) => (
              <option key={one.action}>{one.action}</option>
            ))}
          </select>
        ) : (
          <input
            id={field}
            type="text"
            class="code"
            value={chosen}
            onInput={(event) => setChosen(event.currentTarget.value)}
          />
        )}
      </div>
      <Payload topic={topic} action={action} isRequest={true} payload={payload} onPayload={setPayload} />
      <div class="bar">
        <button type="submit" class="primary" disabled={isBusy || topic === ''}>
          {isBusy ? 'Waiting for an answer…' : 'Ask'}
        </button>
        <span class="muted small">waits {TIMEOUT_MS / 1000} s at most</span>
      </div>
      {error !== undefined && <ProblemNote error={error} />}
      {answer !== undefined && (
        <section aria-label="Answer" class="detail">
          <p class="muted small" role="status">
            Answered
            {answer.sender !== undefined && (
              <>
                {' '}
                by <Text>{answer.sender}</Text>
              </>
            )}
            .
          </p>
          <JsonView value={answer.payload} label="Answer" />
        </section>
      )}
    </Form>
  )
}

interface PayloadProps {
  readonly topic: string
  readonly action?: string
  readonly isRequest: boolean
  readonly payload: string
  onPayload(payload: string): void
}

/** A field for JSON or text, and what is known about what belongs there. */
function Payload({ topic, action, isRequest, payload, onPayload }: PayloadProps) {
  const contract = contractOf(topic, isRequest, action)
  return (
    <>
      {contract !== undefined && (
        <div class="contract small">
          <code>{contract.fields.length === 0 ? 'one of several forms' : contract.fields.join(', ')}</code>
          <button type="button" class="quiet" onClick={() => onPayload(exampleOf(contract))}>
            Put in what is required
          </button>
        </div>
      )}
      <label class="field">
        <span>
          Payload <span class="muted">{isRequest ? '(JSON)' : '(JSON, or text as it is)'}</span>
        </span>
        <textarea
          class="code"
          rows={7}
          spellcheck={false}
          value={payload}
          onInput={(event) => onPayload(event.currentTarget.value)}
        />
      </label>
    </>
  )
}

function contractOf(topic: string, isRequest: boolean, action?: string): ContractSummary | undefined {
  return contracts.find(
    (one) =>
      one.isRequest === isRequest && one.topic === topic && (action === undefined || one.action === action),
  )
}

function bodyOf(text: string): { payload: unknown } | { payload_text: string } {
  try {
    return { payload: JSON.parse(text) }
  } catch {
    return { payload_text: text }
  }
}

function parsed(text: string): unknown {
  if (text.trim() === '') return {}
  try {
    return JSON.parse(text)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new ApiError(400, 'invalid-input', `The payload must be JSON: ${reason}.`)
  }
}
