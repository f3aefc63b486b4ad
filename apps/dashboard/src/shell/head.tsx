import { Text } from '../parts/text.js'
import { Time } from '../parts/time.js'
import { hrefOf } from '../state/address.js'
import { streamState } from '../state/live.js'
import { isLocal, sessionState, signOut } from '../state/session.js'
import { staleSince, status, waitingCount } from '../state/system.js'
import { nextTheme, theme } from '../state/theme.js'

interface HeadProps {
  readonly isMenuOpen: boolean
  onMenu(): void
  onHelp(): void
}

/** Whose page it is, whether it is the newest, who looks at it. */
export function Head({ isMenuOpen, onMenu, onHelp }: HeadProps) {
  const isSignedIn = sessionState.value.kind === 'signed-in'
  return (
    <header class="head">
      {isSignedIn && (
        <button
          type="button"
          class="quiet menu"
          aria-expanded={isMenuOpen}
          aria-controls="navigation"
          onClick={onMenu}
        >
          Menu
          {waitingCount.value > 0 && ` (${waitingCount.value})`}
        </button>
      )}
      <a class="brand" href={hrefOf('overview')}>
        Jamey
      </a>
      {isSignedIn && <Freshness />}
      <span class="room" />
      <button
        type="button"
        class="quiet"
        onClick={nextTheme}
        aria-label={`Theme: ${theme.value}`}
        title={`Theme: ${theme.value} (of system, light, dark)`}
      >
        <span class="theme-word">Theme: {theme.value}</span>
        <span class="theme-mark">◐</span>
      </button>
      <button
        type="button"
        class="quiet keys"
        onClick={onHelp}
        aria-label="Keyboard shortcuts"
        title="Keyboard shortcuts"
      >
        ?
      </button>
      <Viewer />
    </header>
  )
}

function Freshness() {
  const stale = staleSince.value
  const { at } = status.remote.value
  if (stale !== undefined) {
    return (
      <span class="freshness tone-bad">
        stale since <Time at={stale} />
      </span>
    )
  }
  if (at === undefined) return null
  return (
    <span class="freshness muted">
      as of <Time at={at} />
      {streamState.value === 'open' && <span class="live-mark"> live</span>}
    </span>
  )
}

function Viewer() {
  const state = sessionState.value
  if (state.kind !== 'signed-in') return null
  return (
    <span class="viewer">
      <span class="name">
        <Text>{state.session.name}</Text>
      </span>
      {isLocal.value ? (
        <a href={hrefOf('sign-in')}>Sign in</a>
      ) : (
        <button type="button" class="quiet" onClick={() => void signOut()}>
          Sign out
        </button>
      )}
    </span>
  )
}
