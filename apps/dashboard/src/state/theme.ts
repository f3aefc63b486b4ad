import { effect, signal } from '@preact/signals'

export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

/** `assets/theme.js` reads it before the page is drawn. */
const KEY = 'jamey-theme'

const stored = localStorage.getItem(KEY)
export const theme = signal<Theme>(THEMES.find((name) => name === stored) ?? 'system')
const systemIsDark = matchMedia('(prefers-color-scheme: dark)')
const isSystemDark = signal(systemIsDark.matches)
systemIsDark.addEventListener('change', ({ matches }) => {
  isSystemDark.value = matches
})

/** Changes whenever colours do, for what is drawn on a canvas. */
export function colourScheme(): string {
  return theme.value === 'system' ? (isSystemDark.value ? 'dark' : 'light') : theme.value
}

export function nextTheme(): void {
  theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? 'system'
}

export function keepTheme(): void {
  effect(() => {
    document.documentElement.dataset['theme'] = theme.value
    localStorage.setItem(KEY, theme.value)
  })
}
