/** One entry of the navigation. */
export interface Entry {
  readonly title: string
  /** From the root of the site. */
  readonly path: string
}

export interface Group {
  readonly title: string
  readonly entries: readonly Entry[]
}

export interface LayoutOptions {
  readonly title: string
  readonly content: string
  /** Of this page, from the root of the site. */
  readonly path: string
  readonly groups: readonly Group[]
  /** A line below the page. */
  readonly foot: string
}

export const STYLE = `:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
* { box-sizing: border-box; }
body { margin: 0; font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere; }
header { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: baseline; padding: .5rem 1rem; border-bottom: 1px solid var(--line); }
header a { font-weight: 600; }
header input { flex: 1 1 10rem; max-width: 24rem; min-width: 0; padding: .25rem .5rem; font: inherit; }
#found { width: 100%; margin: 0; padding: 0; list-style: none; }
#found li { padding: .25rem 0; border-top: 1px solid var(--line); }
main { min-width: 0; max-width: 52rem; padding: 0 1rem 4rem; }
nav { padding: 0 1rem; font-size: .9375rem; }
nav summary { padding: .5rem 0; }
nav ul { margin: .25rem 0 1rem; padding: 0; list-style: none; }
nav a[aria-current] { font-weight: 600; color: inherit; text-decoration: none; }
a { color: LinkText; }
h1, h2, h3, h4 { line-height: 1.25; scroll-margin-top: 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.3rem; margin-top: 2rem; } h3 { font-size: 1.1rem; }
code, pre { font: .875em/1.45 ui-monospace, monospace; }
code { background: var(--soft); padding: .1em .2em; border-radius: .2em; }
pre { overflow-x: auto; overflow-wrap: normal; padding: .75rem; border: 1px solid var(--line); border-radius: .25rem; }
pre code { background: none; padding: 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; } td, th { text-align: start; vertical-align: top; padding: .3rem .5rem; border: 1px solid var(--line); }
td { min-width: 5rem; } td:first-child, th { overflow-wrap: normal; }
img { max-width: 100%; background: #fff; }
footer { color: GrayText; font-size: .875rem; margin-top: 3rem; border-top: 1px solid var(--line); }
@media (min-width: 60rem) {
  #columns { display: grid; grid-template-columns: 16rem minmax(0, 1fr); }
  nav summary { display: none; }
}
`

/** Finds sections that have every word; a word in a heading counts more. The index is fetched with the first word. */
export const SEARCH = `const field = document.querySelector('header input')
const list = document.getElementById('found')
const root = new URL(document.currentScript.dataset.root, location.href)
let index
const load = () => (index ??= fetch(new URL('search.json', root)).then((response) => response.json()))
field.addEventListener('input', async () => {
  const words = field.value.toLowerCase().split(/\\s+/).filter((word) => word.length > 1)
  const sections = words.length === 0 ? [] : await load()
  const found = []
  for (const [page, heading, path, text] of sections) {
    const title = (page + ' ' + heading).toLowerCase()
    let score = 0
    for (const word of words) {
      const points = title.includes(word) ? 4 : text.includes(word) ? 1 : -1000
      score += points
    }
    if (score > 0) found.push([score, page, heading, path])
  }
  found.sort((a, b) => b[0] - a[0])
  list.replaceChildren(...found.slice(0, 12).map(([, page, heading, path]) => {
    const item = document.createElement('li')
    const link = item.appendChild(document.createElement('a'))
    link.href = new URL(path, root)
    link.textContent = heading === page ? page : page + ': ' + heading
    return item
  }))
})
const nav = document.querySelector('nav details')
const wide = matchMedia('(min-width: 60rem)')
const open = () => { nav.open = wide.matches }
wide.addEventListener('change', open)
open()
`

/** A whole page. Everything it needs lies beside it. */
export function layout({ title, content, path, groups, foot }: LayoutOptions): string {
  const root = '../'.repeat(path.split('/').length - 1) || './'
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="content-security-policy" content="default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'">
<title>${escaped(title)}</title>
<link rel="stylesheet" href="${root}style.css">
</head>
<body>
<header><a href="${root}index.html">Jamey</a><input type="search" placeholder="Search" aria-label="Search"><ul id="found"></ul></header>
<div id="columns">
<nav aria-label="Pages"><details open><summary>Pages</summary>
${groups.map((group) => groupOf(group, path, root)).join('\n')}
</details></nav>
<main>
${content}
<footer>${foot}</footer>
</main>
</div>
<script src="${root}search.js" data-root="${root}"></script>
</body>
</html>
`
}

function groupOf({ title, entries }: Group, current: string, root: string): string {
  const items = entries.map(
    (entry) =>
      `<li><a href="${root}${entry.path}"${entry.path === current ? ' aria-current="page"' : ''}>${escaped(entry.title)}</a></li>`,
  )
  return `<strong>${escaped(title)}</strong><ul>${items.join('')}</ul>`
}

export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
}
