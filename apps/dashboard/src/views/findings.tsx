import { Empty, Loaded, NeedsPermission } from '../parts/notice.js'
import { Text } from '../parts/text.js'
import { Time } from '../parts/time.js'
import { toneOfSeverity } from '../state/attention.js'
import { errors } from '../state/live.js'
import { BROKER_QUERY, ERRORS } from '../state/permissions.js'
import { rights } from '../state/session.js'
import { findings } from '../state/system.js'

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
  return (
    <section aria-labelledby="doctor">
      <h2 id="doctor">
        Doctor{' '}
        {remote.at !== undefined && (
          <span class="muted">
            as of <Time at={remote.at} />
          </span>
        )}
      </h2>
      <Loaded remote={remote} what="findings">
        {({ findings: found }) =>
          found.length === 0 ? (
            <Empty>Nothing is wrong, as far as the doctor can tell from inside.</Empty>
          ) : (
            <ul class="findings">
              {found.map(({ check, severity, summary, remedy }) => (
                <li key={`${check} ${summary}`} class={toneOfSeverity(severity)}>
                  <span class="subject">{severity}</span>
                  <div>
                    <p>
                      <Text>{summary}</Text> <span class="muted small">{check}</span>
                    </p>
                    {remedy !== undefined && remedy !== '' && (
                      <p class="remedy">
                        <Text>{remedy}</Text>
                      </p>
                    )}
                  </div>
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
    </section>
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
                    {data.component}, {data.kind}
                    {data.topic !== undefined && `, ${data.topic}`}
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
