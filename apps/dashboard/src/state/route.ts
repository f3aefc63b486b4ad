import { signal } from '@preact/signals'
import { parseRoute, type Route } from './address.js'

export const route = signal<Route>(parseRoute(location.hash))

export function followRoute(): void {
  addEventListener('hashchange', () => {
    route.value = parseRoute(location.hash)
  })
}
