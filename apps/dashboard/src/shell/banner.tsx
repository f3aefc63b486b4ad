import { Text } from '../parts/text.js'
import { Time } from '../parts/time.js'
import { hrefOf } from '../state/address.js'
import { route } from '../state/route.js'
import { endedSession, sessionState } from '../state/session.js'
import { isGatewayAway, staleSince } from '../state/system.js'

/** Says above every view that what it shows is old, or that whoever looked at it was signed out. */
export function Banner() {
  const stale = staleSince.value
  return (
    <div role="status" aria-live="polite">
      {stale !== undefined && (
        <p class="banner">
          {isGatewayAway.value && 'The gateway does not answer. '}
          What you see is from <Time at={stale} />, and the page goes on asking.
        </p>
      )}
      <Ended />
    </div>
  )
}

function Ended() {
  const name = endedSession.value
  if (name === undefined || sessionState.value.kind !== 'signed-in' || route.value.view === 'sign-in')
    return null
  return (
    <p class="banner">
      The session of{' '}
      <b>
        <Text>{name}</Text>
      </b>{' '}
      has ended: its token expired or was revoked, or the gateway was started anew. What you see is what this
      machine may see. <a href={hrefOf('sign-in')}>Sign in</a>
    </p>
  )
}
