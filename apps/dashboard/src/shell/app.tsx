import { useEffect, useErrorBoundary, useRef, useState } from 'preact/hooks'
import { Empty, ProblemNote } from '../parts/notice.js'
import { useShortcuts } from '../parts/shortcut-keys.js'
import { hrefOf } from '../state/address.js'
import { route } from '../state/route.js'
import { sessionState } from '../state/session.js'
import { waiting } from '../state/system.js'
import { nextTheme } from '../state/theme.js'
import { SignIn } from '../views/sign-in.js'
import { Banner } from './banner.js'
import { Head } from './head.js'
import { Help } from './help.js'
import { Navigation } from './navigation.js'
import { ALL_PAGES } from './pages.js'

/** The whole page. */
export function App() {
  const [isHelpOpen, setHelpOpen] = useState(false)
  const [isMenuOpen, setMenuOpen] = useState(false)
  const main = useRef<HTMLElement>(null)
  const { view, item } = route.value
  const state = sessionState.value
  const isSignedIn = state.kind === 'signed-in'
  // Another viewer may see less: a view keeps nothing of the one before.
  const viewer = isSignedIn ? (state.session.csrf_token ?? '') : ''
  useGlobalShortcuts(() => setHelpOpen((isOpen) => !isOpen))
  useTitle()
  // A reader who follows a link is led to the new view, as on any other page.
  const isFirst = useRef(true)
  useEffect(() => {
    setMenuOpen(false)
    if (isFirst.current) isFirst.current = false
    else {
      main.current?.focus({ preventScroll: true })
      scrollTo(0, 0)
    }
  }, [view, item])
  return (
    <>
      {/* biome-ignore lint/a11y/useValidAnchor: a skip link; what stands behind # is the view. */}
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault()
          main.current?.focus()
        }}
      >
        Skip to the view
      </a>
      <Head
        isMenuOpen={isMenuOpen}
        onMenu={() => setMenuOpen(!isMenuOpen)}
        onHelp={() => setHelpOpen(!isHelpOpen)}
      />
      <div class="frame">
        {isSignedIn && <Navigation isOpen={isMenuOpen} />}
        <main id="main" ref={main} tabIndex={-1}>
          <Banner />
          <Guarded key={`${viewer} ${view} ${item ?? ''}`} />
        </main>
      </div>
      {isHelpOpen && <Help onClose={() => setHelpOpen(false)} />}
    </>
  )
}

/** A view that fails says so, and leaves the rest of the page as it is. */
function Guarded() {
  const [error, again] = useErrorBoundary()
  if (error === undefined) return <View />
  return (
    <>
      <h1>This view failed</h1>
      <p class="notice bad" role="alert">
        {String(error)}
      </p>
      <button type="button" onClick={again}>
        Try again
      </button>
    </>
  )
}

function View() {
  const state = sessionState.value
  const { view } = route.value
  switch (state.kind) {
    case 'loading':
      return (
        <p class="empty" role="status">
          Asking the gateway who you are…
        </p>
      )
    case 'unreachable':
      return (
        <>
          <h1>Not connected</h1>
          <ProblemNote error={state.error} />
        </>
      )
    case 'signed-out':
      return <SignIn hasEnded={state.hasEnded} />
    case 'signed-in':
      break
  }
  if (view === 'sign-in') {
    const back = (): void => {
      location.hash = hrefOf('overview')
    }
    return <SignIn hasEnded={false} onDone={back} />
  }
  const page = ALL_PAGES.find((one) => one.view === view)
  if (page === undefined) {
    return (
      <>
        <h1>Not here</h1>
        <Empty>
          There is no view “{view}”. <a href={hrefOf('overview')}>To the overview</a>.
        </Empty>
      </>
    )
  }
  const { component: Component } = page
  return <Component />
}

/** `g` and another key lead to a view. */
const GO_MS = 1_500

function useGlobalShortcuts(toggleHelp: () => void): void {
  const goUntil = useRef(0)
  useShortcuts([
    { key: '?', does: 'show or hide this list', run: toggleHelp },
    { key: 'D', does: 'next theme: system, light, dark', run: nextTheme },
    {
      key: 'g',
      does: `go to a view: ${ALL_PAGES.map(({ key, name }) => `${key} ${name.toLowerCase()}`).join(', ')}`,
      run: () => {
        goUntil.current = performance.now() + GO_MS
      },
    },
  ])
  useEffect(() => {
    const go = (event: KeyboardEvent): void => {
      if (performance.now() > goUntil.current || event.key === 'g') return
      goUntil.current = 0
      const page = ALL_PAGES.find(({ key }) => key === event.key)
      if (page === undefined) return
      event.preventDefault()
      event.stopImmediatePropagation()
      location.hash = hrefOf(page.view)
    }
    // Before the shortcuts of the view, some of which have the same keys.
    addEventListener('keydown', go, { capture: true })
    return () => removeEventListener('keydown', go, { capture: true })
  }, [])
}

function useTitle(): void {
  const { view } = route.value
  const count = waiting.value.length
  const name = ALL_PAGES.find((page) => page.view === view)?.name ?? 'Jamey'
  useEffect(() => {
    document.title = `${count > 0 ? `(${count}) ` : ''}${name}, Jamey`
  }, [name, count])
}
