/** Where the reader is: the view, what it is about, and how it is narrowed. All of it stands behind the `#`. */
export interface Route {
  readonly view: string
  readonly item: string | undefined
  readonly query: URLSearchParams
}

export function parseRoute(hash: string): Route {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?', 2)
  const [view = '', item] = path.split('/')
  return {
    view: view === '' ? 'overview' : view,
    item: item === undefined || item === '' ? undefined : decoded(item),
    query: new URLSearchParams(search),
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** The address of a view, to link to. */
export function hrefOf(view: string, item?: string, query: Readonly<Record<string, string>> = {}): string {
  const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== '')).toString()
  const path = item === undefined ? view : `${view}/${encodeURIComponent(item)}`
  return `#/${path}${search === '' ? '' : `?${search}`}`
}
