import type { FindingList as FindingAnswer } from '@jamey/contracts'
import { counted } from '../format/numbers.js'
import { Empty, Loaded, NeedsPermission } from '../parts/notice.js'
import { Pages } from '../parts/pages.js'
import { Text } from '../parts/text.js'
import { Time } from '../parts/time.js'
import { toneOfSeverity } from '../state/attention.js'
import { errors } from '../state/live.js'
import { BROKER_QUERY, ERRORS } from '../state/permissions.js'
import { rights } from '../state/session.js'
import { findings } from '../state/system.js'

type Found = FindingAnswer['findings']

/** What the doctor found, with what mends it, and failures that components told of. */
export function Findings() {
  return (
    <>
      <h1>Findings</h1>
      {rights.value.mayPublish(BROKER_QUERY) ? (
        <DoctorFindings />
      ) : (
        <NeedsPermission permission={`publish:${BROKER_QUERY}`} what="Seeing the doctor's findings" />
      )}
      <ErrorEvents />
    </>
  )
}

function DoctorFindings() {
  const remote = findings.remote.value
  const checkedAt = remote.data?.checked_at
  return (
    <section aria-labelledby="doctor">
      <h2 id="doctor">
        Doctor
        {checkedAt !== undefined && (
          <span class="muted">
            checked at <Time at={checkedAt} />
          </span>
        )}
      </h2>
      <Loaded remote={remote} what="findings">
        {({ findings: found }) => {
          const well = found.filter(({ severity }) => severity === 'ok')
          const wrong = found.filter(({ severity }) => severity !== 'ok')
          return (
            <>
              {wrong.length === 0 ? (
                <Empty>Nothing is wrong, as far as the doctor can tell from inside.</Empty>
              ) : (
                <FindingList found={wrong} />
              )}
              {well.length > 0 && (
                <details class="more">
                  <summary>{counted(well.length, 'check')} without fault</summary>
                  <FindingList found={well} />
                </details>
              )}
            </>
          )
        }}
      </Loaded>
      <Pages label="findings" at={remote.at} onAgain={() => findings.refresh()} />
    </section>
  )
}

function FindingList({ found }: { found: Found }) {
  return (
    <ul class="findings">
      {found.map(({ check, severity, summary, remedy }) => (
        <li key={`${check} ${summary}`} class={toneOfSeverity(severity)}>
          <span class="subject">{severity}</span>
          <div>
            <p>
              <Text>{check}</Text>: <Prose>{summary}</Prose>
            </p>
            {remedy !== undefined && remedy !== '' && (
              <p class="remedy">
                <Prose>{remedy}</Prose>
              </p>
            )}
          </div>
        </li>
      ))}
    </ul>
  )
}

/** Sentences of the doctor, in which backticks stand around what is to be typed. */
function Prose({ children }: { children: string }) {
  return (
    <>
      {children.split('`').map((part, i) =>
        i % 2 === 0 ? (
          <Text key={i}>{part}</Text>
        ) : (
          <code key={i}>
            <Text>{part}</Text>
          </code>
        ),
      )}
    </>
  )
}

function ErrorEvents() {
  return (
    <section aria-labelledby="error-events">
      <h2 id="error-events">Failures that components told of</h2>
      {!rights.value.maySubscribe(ERRORS) ? (
        <NeedsPermission permission={`subscribe:${ERRORS}`} what="Following them" />
      ) : errors.value.length === 0 ? (
        <Empty>None since this page was opened.</Empty>
      ) : (
        <ul class="findings">
          {errors.value.map(({ id, at, data }) => (
            <li key={id} class={data.retryable ? 'warn' : 'bad'}>
              <span class="subject">
                <Time at={at} />
              </span>
              <div>
                <p>
                  <Text>{data.message}</Text>{' '}
                  <span class="muted small">
                    <Text>{[data.component, data.kind, data.topic ?? []].flat().join(', ')}</Text>
                  </span>
                </p>
              </div>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}
