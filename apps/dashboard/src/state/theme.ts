import { effect, signal } from '@preact/signals'

export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

/** `assets/theme.js` reads it before the page is drawn. */
const KEY = 'jamey-theme'

const stored = localStorage.getItem(KEY)
export const theme = signal<Theme>(THEMES.find((name) => name === stored) ?? 'system')

export function nextTheme(): void {
  theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? 'system'
}

export function keepTheme(): void {
  effect(() => {
    document.documentElement.dataset['theme'] = theme.value
    localStorage.setItem(KEY, theme.value)
  })
}
