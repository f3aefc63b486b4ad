import { useState } from 'preact/hooks'
import { verdicts as ask } from '../api/endpoints.js'
import { Choice } from '../parts/form.js'
import { More, useMore } from '../parts/more.js'
import { Empty, NeedsPermission, ProblemNote } from '../parts/notice.js'
import { components, verdicts } from '../state/live.js'
import { VERDICTS_LIST } from '../state/permissions.js'
import { rights } from '../state/session.js'
import { VerdictFeed } from './verdict-detail.js'
import { fits } from './verdict-list.js'

const PAGE = 50
const CONSCIENCE = 'jamey-conscience'

interface EarlierProps {
  readonly decision: 'all' | 'deny' | 'ask' | 'allow'
  readonly search: string
}

/** Verdicts in the audit of a conscience, page by page: those that were given before this page was opened. */
export function EarlierVerdicts(props: EarlierProps) {
  const consciences = [...components.value]
    .filter(([, { component }]) => component === 'conscience')
    .map(([id]) => id)
    .sort()
  const [chosen, setChosen] = useState<string | undefined>(undefined)
  const conscience = chosen ?? (consciences.includes(CONSCIENCE) ? CONSCIENCE : consciences[0]) ?? CONSCIENCE
  const permission = `${VERDICTS_LIST}/${conscience}`
  return (
    <section aria-labelledby="earlier">
      <h2 id="earlier">Earlier, in the audit</h2>
      {consciences.length > 1 && (
        <div class="bar">
          <Choice label="Whose audit" options={consciences} value={conscience} onChoose={setChosen} />
        </div>
      )}
      {rights.value.mayPublish(permission) ? (
        <Earlier {...props} conscience={conscience} />
      ) : (
        <NeedsPermission permission={`publish:${permission}`} what="Reading the audit" />
      )}
    </section>
  )
}

function Earlier({ decision, search, conscience }: EarlierProps & { readonly conscience: string }) {
  const { items, next, isBusy, error, more } = useMore(`${conscience} ${decision}`, {
    ask: async (cursor) => {
      const narrowed = decision === 'all' ? {} : { decision }
      const found = await ask({ conscience, ...narrowed, limit: PAGE, cursor })
      return { items: found.verdicts, next: found.next_cursor }
    },
    idOf: ({ verdict }) => verdict.evaluation_id,
  })
  // Those that came here live stand above.
  const live = new Set(verdicts.value.map(({ data }) => data.evaluation_id))
  const shown = (items ?? [])
    .filter(({ verdict }) => !live.has(verdict.evaluation_id) && fits(verdict, search))
    .map(({ recorded_at, verdict }) => ({ id: verdict.evaluation_id, at: recorded_at, data: verdict }))
  return (
    <>
      {error !== undefined && <ProblemNote error={error} />}
      {items !== undefined && shown.length === 0 && (
        <Empty>{next === undefined ? 'None.' : 'None among those that were read; older ones may fit.'}</Empty>
      )}
      {items === undefined && isBusy && <p class="empty">Asking for earlier verdicts…</p>}
      <VerdictFeed verdicts={shown} />
      {next !== undefined && <More label="Older ones" isBusy={isBusy} onMore={more} />}
    </>
  )
}
