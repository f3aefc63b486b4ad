import { signal } from '@preact/signals'

/** One key that does something, as the list under `?` tells it. */
export interface Shortcut {
  readonly key: string
  readonly does: string
  run(): void
}

const KEY = 'jamey-shortcuts'

/** Single keys get in the way of some who speak to their machine, so they can be switched off. [WCAG 2.1.4] */
export const areShortcutsOn = signal(localStorage.getItem(KEY) !== 'off')

export function setShortcuts(isOn: boolean): void {
  areShortcutsOn.value = isOn
  localStorage.setItem(KEY, isOn ? 'on' : 'off')
}

const byKey = new Map<string, Shortcut>()
/** Those that do something where the reader is. */
export const shortcuts = signal<readonly Shortcut[]>([])

/** Adds shortcuts until the function that it returns is called. */
export function addShortcuts(added: readonly Shortcut[]): () => void {
  for (const shortcut of added) byKey.set(shortcut.key, shortcut)
  shortcuts.value = [...byKey.values()]
  return () => {
    for (const { key } of added) byKey.delete(key)
    shortcuts.value = [...byKey.values()]
  }
}

const TYPED_IN = 'input:not([type=radio],[type=checkbox]), textarea, select, [contenteditable]'

export function listenForShortcuts(): void {
  addEventListener('keydown', (event) => {
    if (!areShortcutsOn.value || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return
    if (event.target instanceof Element && event.target.matches(TYPED_IN)) return
    const shortcut = byKey.get(event.key)
    if (shortcut === undefined) return
    event.preventDefault()
    shortcut.run()
  })
}
