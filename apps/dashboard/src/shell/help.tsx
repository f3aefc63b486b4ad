import { useEffect, useRef } from 'preact/hooks'
import { areShortcutsOn, setShortcuts, shortcuts } from '../state/shortcuts.js'

/** The shortcuts that hold where the reader is. It lies beside the page and keeps nobody. */
export function Help({ onClose }: { onClose: () => void }) {
  const panel = useRef<HTMLElement>(null)
  useEffect(() => {
    const before = document.activeElement
    panel.current?.focus()
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus()
    }
  }, [])
  return (
    <aside
      ref={panel}
      class="help"
      tabIndex={-1}
      aria-labelledby="help"
      onKeyDown={(event) => {
        if (event.key === 'Escape') onClose()
      }}
    >
      <h2 id="help">Keyboard</h2>
      <dl>
        {[...shortcuts.value]
          .sort((a, b) => a.key.localeCompare(b.key))
          .map(({ key, does }) => (
            <div key={key}>
              <dt>
                <kbd>{key}</kbd>
              </dt>
              <dd>{does}</dd>
            </div>
          ))}
        <div>
          <dt>
            <kbd>Esc</kbd>
          </dt>
          <dd>leave an answer, or this list</dd>
        </div>
      </dl>
      <label class="check">
        <input
          type="checkbox"
          checked={areShortcutsOn.value}
          onChange={(event) => setShortcuts(event.currentTarget.checked)}
        />
        single keys are shortcuts
      </label>
      <div class="acts">
        <button type="button" onClick={onClose}>
          Close
        </button>
        <a href="./v1/docs">The API</a>
        <a href="./assets/LICENSES.txt">Licences of others</a>
      </div>
    </aside>
  )
}
