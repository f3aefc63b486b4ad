import { useState } from 'preact/hooks'
import { useAct } from '../parts/async.js'
import { Form } from '../parts/form.js'
import { ProblemNote } from '../parts/notice.js'
import { signIn } from '../state/session.js'

interface SignInProps {
  /** True where a session has just ended. */
  readonly hasEnded: boolean
  /** Undefined where there is nothing to go back to. */
  readonly onDone?: (() => void) | undefined
}

/** Takes a token, which the gateway keeps; the page itself does not. */
export function SignIn({ hasEnded, onDone }: SignInProps) {
  const [token, setToken] = useState('')
  const { isBusy, error, run } = useAct()
  return (
    <Form
      class="sign-in"
      onSubmit={() =>
        run(async () => {
          await signIn(token.trim())
          setToken('')
          onDone?.()
        })
      }
    >
      <h1>Sign in</h1>
      {hasEnded && (
        <p class="notice">
          The session has ended: its token expired or was revoked, or the gateway was started anew.
        </p>
      )}
      <label class="field">
        <span>Token</span>
        <input
          type="password"
          class="code"
          autocomplete="off"
          spellcheck={false}
          required={true}
          value={token}
          onInput={(event) => setToken(event.currentTarget.value)}
        />
      </label>
      <p class="muted small">
        <code>jamey token --sub operator-ann --lifetime 3600</code> makes one. You see and may do what it
        allows. The gateway keeps it until it ends; this page cannot read it again.
      </p>
      <div class="acts">
        <button type="submit" class="primary" disabled={isBusy || token.trim() === ''}>
          {isBusy ? 'Signing in…' : 'Sign in'}
        </button>
        {onDone !== undefined && (
          <button type="button" class="quiet" onClick={onDone}>
            Back
          </button>
        )}
      </div>
      {error !== undefined && <ProblemNote error={error} />}
    </Form>
  )
}
