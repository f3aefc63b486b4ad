import { posix } from 'node:path'
import { llmsText, readContents } from './contents.js'
import { type Page, readPages, targetOf } from './pages.js'

/** What a gateway serves beside its API: the list of pages, and pages by their names. */
export interface ServedPages {
  readonly list: string
  readonly pages: ReadonlyMap<string, string>
}

const CONTENTS = 'docs/README.md'
/** What users of a running system have no use for. */
const LEFT_OUT = /^To (believe|change) it$/

/** What the gateway says of itself. */
const API = `## API

- [OpenAPI 3.1](/v1/openapi.json): every endpoint of this gateway, with examples.
- [AsyncAPI 3.0](/v1/asyncapi.json): every message behind it, with its schema.
- [The same to read](/v1/docs): the endpoints as a page of HTML.
`

/** The pages of docs/README.md for whoever uses or runs a system, with links among themselves alone. */
export function servedPages(root: string): ServedPages {
  const all = new Map(readPages(root).map((page) => [page.source, page]))
  const contents = readContents(all.get(CONTENTS)?.text ?? '')
  const groups = contents.groups.filter(({ title }) => !LEFT_OUT.test(title))
  const sourceOf = (href: string) => targetOf(root, CONTENTS, href)?.path ?? ''
  const served = groups.flatMap(({ pages }) => pages.flatMap(({ href }) => all.get(sourceOf(href)) ?? []))
  const names = new Map(served.map(({ source }) => [source, nameOf(source)]))
  const addressOf = (source: string) => {
    const name = names.get(source)
    return name === undefined ? undefined : `/docs/${name}`
  }
  return {
    list: `${llmsText({ ...contents, groups }, (href) => addressOf(sourceOf(href)))}\n${API}`,
    pages: new Map(served.map((page) => [nameOf(page.source), relinked(root, page, addressOf)])),
  }
}

/** `guides-agent.md` of `docs/guides/agent.md`, `packages-bus.md` of a README. */
function nameOf(source: string): string {
  const path = source.replace(/^docs\//, '')
  if (path === 'README.md') return 'overview.md'
  const whole = posix.basename(path) === 'README.md' ? `${posix.dirname(path)}.md` : path
  return whole.replaceAll('/', '-')
}

/** A link to what is not served is its text alone; blocks of code stay as they are. */
function relinked(root: string, page: Page, addressOf: (source: string) => string | undefined): string {
  return page.text
    .split(/(^```[\s\S]*?^```$)/m)
    .map((part, i) =>
      i % 2 === 1
        ? part
        : part.replace(LINK, (link, text: string, href: string) => {
            const target = targetOf(root, page.source, href)
            if (target === undefined) return link
            const address = addressOf(target.path)
            return address === undefined ? text : `[${text}](${address}${target.anchor})`
          }),
    )
    .join('')
}

const LINK = /\[((?:[^[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)/g
