import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildSite } from '../../site/build.js'
import { deadLinks } from '../../site/check.js'
import { render } from '../../site/markdown.js'
import { servedPages } from '../../site/served.js'

const root = resolve(import.meta.dirname, '../..')
let out: string
const read = (path: string) => readFileSync(join(out, path), 'utf8')

beforeAll(() => {
  out = mkdtempSync(join(tmpdir(), 'jamey-site-'))
  buildSite(root, out)
})

afterAll(() => rmSync(out, { recursive: true, force: true }))

describe('the site', () => {
  it('has no link, to a page or a heading, that leads nowhere', () => {
    expect(deadLinks(out)).toEqual([])
  })

  it('has every page as HTML and as Markdown, decisions and references among them', () => {
    for (const path of ['index', 'docs/quick-start', 'docs/guides/agent', 'docs/adr/0001-own-mqtt-engine']) {
      expect(existsSync(join(out, `${path}.html`)), path).toBe(true)
    }
    expect(read('docs/quick-start.md')).toBe(readFileSync(join(root, 'docs/quick-start.md'), 'utf8'))
    expect(read('reference/bus.html')).toMatch(/<h3 id="connectbus">connectBus<\/h3>\s*<p>[^<]+/)
  })

  it('takes nothing from elsewhere, and says so to the browser', () => {
    const page = read('docs/wire.html')
    expect(page).toContain("content=\"default-src 'none'; style-src 'self'; script-src 'self'")
    const loaded = [...page.matchAll(/<(?:script|link|img)[^>]*(?:src|href)="([^"]+)"/g)].map(
      ([, from]) => from,
    )
    expect(loaded.sort()).toEqual(['../search.js', '../style.css'])
    expect(page).not.toMatch(/ style="| on\w+="/)
  })

  it('has an index of its sections, with pages that are there', () => {
    const index = JSON.parse(read('search.json')) as [string, string, string, string][]
    expect(index.length).toBeGreaterThan(300)
    const pages = new Set(index.map(([, , path]) => path.split('#')[0] ?? ''))
    expect([...pages].filter((path) => !existsSync(join(out, path)))).toEqual([])
    expect(Buffer.byteLength(read('search.json'))).toBeLessThan(600_000)
  })

  it('has a list on which every page of docs is', () => {
    const list = readFileSync(join(root, 'docs/README.md'), 'utf8')
    const pages = ['docs', 'docs/guides'].flatMap((folder) =>
      readdirSync(join(root, folder)).filter((name) => name.endsWith('.md') && name !== 'README.md'),
    )
    expect(pages.filter((name) => !list.includes(`${name})`))).toEqual([])
  })

  it('lists every document in llms.txt', () => {
    const links = [...read('llms.txt').matchAll(/^- \[[^\]]+\]\(([^)]+)\): .+$/gm)].map(
      ([, link = '']) => link,
    )
    expect(links.length).toBeGreaterThan(50)
    expect(links.filter((link) => !existsSync(join(out, link)))).toEqual([])
  })
})

it('shows HTML of a page as text', () => {
  const { html } = render(
    '# A\n\n<script>alert(1)</script> [x](javascript:alert(1)) [y](b.md)',
    () => undefined,
  )
  expect(html).not.toMatch(/<script|href/)
})

it('a gateway serves the pages for those who use and run a system, with links among themselves', () => {
  const { list, pages } = servedPages(root)
  expect(list).not.toContain('promises')
  for (const [name, text] of pages) {
    const outside = text.replace(/^ *```[\s\S]*?^ *```$/gm, '').replace(/`[^`\n]*`/g, '')
    const links = [...outside.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link)
    const dead = links.filter(
      (link) => !/^[a-z]+:/.test(link) && !pages.has(/^\/docs\/([^#]+)/.exec(link)?.[1] ?? ''),
    )
    expect(dead, name).toEqual([])
  }
})
