import { Time } from '../parts/time.js'
import { staleSince } from '../state/system.js'

/** Says above every view that what it shows is old. */
export function Banner() {
  const stale = staleSince.value
  return (
    <div role="status" aria-live="polite">
      {stale !== undefined && (
        <p class="banner">
          The gateway does not answer. What you see is from <Time at={stale} />; the page goes on asking.
        </p>
      )}
    </div>
  )
}
