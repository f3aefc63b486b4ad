import { hrefOf } from '../state/address.js'
import { route } from '../state/route.js'
import { PAGES, type Page } from './pages.js'

/** Every view, and how much waits there. */
export function Navigation({ isOpen }: { isOpen: boolean }) {
  return (
    <nav id="navigation" class={isOpen ? 'navigation open' : 'navigation'} aria-label="Views">
      {PAGES.map((group) => (
        <ul key={group[0]?.view}>
          {group.map((page) => (
            <li key={page.view}>
              <Entry page={page} />
            </li>
          ))}
        </ul>
      ))}
    </nav>
  )
}

function Entry({ page: { view, name, count } }: { page: Page }) {
  const waiting = count?.()
  return (
    <a href={hrefOf(view)} aria-current={route.value.view === view ? 'page' : undefined}>
      {name}
      {waiting !== undefined && waiting.count > 0 && (
        <b class={waiting.isUrgent ? 'count urgent' : 'count'}>
          {waiting.count}
          <span class="unseen"> {waiting.of}</span>
        </b>
      )}
    </a>
  )
}
