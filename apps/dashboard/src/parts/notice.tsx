import type { ComponentChildren } from 'preact'
import type { ApiError } from '../api/problem.js'
import type { Remote } from '../state/poll.js'
import { Time } from './time.js'

/** What the viewer would need to see more. */
export function NeedsPermission({ permission, what }: { permission: string; what: string }) {
  return (
    <p class="notice">
      {what} needs the permission <code>{permission}</code>.
    </p>
  )
}

/** What nobody does on this machine without saying who he is. */
export function NeedsToken({ what }: { what: string }) {
  return (
    <p class="notice">
      {what} a token, also on this machine. <a href="#/sign-in">Sign in with one</a>.
    </p>
  )
}

export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="empty">{children}</p>
}

/** What went wrong, and what may help. */
export function ProblemNote({ error }: { error: ApiError }) {
  const hint = HINTS[error.kind]
  return (
    <p class="notice bad" role="alert">
      {error.message}
      {error.permission !== undefined && !error.message.includes(error.permission) && (
        <>
          {' '}
          It needs the permission <code>{error.permission}</code>.
        </>
      )}
      {hint !== undefined && <> {hint}</>}
    </p>
  )
}

/** True of what the page asks again by itself, and of an act, which it does not repeat. */
const HINTS: Readonly<Record<string, string>> = {
  unreachable: 'Try again in a moment.',
  'no-responder': 'Another process may serve it later.',
  'rate-limited': 'Try again in a while.',
}

interface LoadedProps<T> {
  readonly remote: Remote<T>
  readonly what: string
  children(data: T): ComponentChildren
}

/** What was asked for, or that it is on its way, or why it is not there; old data stay beside a new problem. */
export function Loaded<T>({ remote, what, children }: LoadedProps<T>) {
  const { data, at, error } = remote
  if (data === undefined) {
    if (error !== undefined) return <ProblemNote error={error} />
    return (
      <p class="empty" role="status">
        Asking for {what}…
      </p>
    )
  }
  return (
    <>
      {error !== undefined && error.status !== 0 && (
        <>
          <ProblemNote error={error} />
          <p class="muted">
            What follows is from <Time at={at} />.
          </p>
        </>
      )}
      {children(data)}
    </>
  )
}
