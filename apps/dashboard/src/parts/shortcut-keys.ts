import { useEffect } from 'preact/hooks'
import { addShortcuts, type Shortcut } from '../state/shortcuts.js'

/** Shortcuts that hold while what uses them is on the page. */
export function useShortcuts(shortcuts: readonly Shortcut[]): void {
  useEffect(() => addShortcuts(shortcuts))
}
