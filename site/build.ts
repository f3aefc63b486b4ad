import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { asyncApiDocument } from '@jamey/contracts'
import { openApiDocument } from '@jamey/gateway'
import { referencePage } from './api-reference.js'
import { llmsText, readContents } from './contents.js'
import { type Group, layout, SEARCH, STYLE } from './layout.js'
import { render, type Section } from './markdown.js'
import { committedOn, htmlPath, type Page, readPages, targetOf } from './pages.js'

/** Tables that nobody looks for by their words, and what is for those who read the sources. */
const UNSEARCHED = /^docs\/(promises|conformance)\.md$|^reference\/|\/src\/|^tests\/|^CHANGELOG/

/** Of the text below one heading. */
const WORDS_LENGTH = 800

/** A line of the index of the search: page, heading, path, words. */
type IndexLine = readonly [page: string, heading: string, path: string, words: string]

export interface BuiltSite {
  readonly pages: number
  readonly bytes: number
}

/**
 * Writes the site of the repository at `root` into the folder `out`, whose former content goes: every page as HTML and as
 * Markdown, what pages link to, a reference of each package, the documents of the API, and the index of the search.
 */
export function buildSite(root: string, out: string): BuiltSite {
  rmSync(out, { recursive: true, force: true })
  const write = (path: string, text: string): number => {
    mkdirSync(dirname(join(out, path)), { recursive: true })
    writeFileSync(join(out, path), text)
    return Buffer.byteLength(text)
  }
  const references = referencePages(root)
  const pages = [...readPages(root), ...references]
  const known = new Set(pages.map(({ source }) => source))
  const groups = navigation(root, pages, references)
  const date = committedOn(root)
  const index: IndexLine[] = []
  let bytes = 0
  for (const page of pages) {
    const path = htmlPath(page.source)
    const { html, sections } = render(page.text, (href) => relinked(root, out, page, href, known))
    const foot = `<a href="${posix.basename(page.source)}">This page as Markdown</a>${date === '' ? '' : `. Of ${date}.`}`
    bytes += write(
      path,
      layout({ title: page.title, content: html, path, groups: shownOn(page, groups), foot }),
    )
    bytes += write(page.source, page.text)
    if (!UNSEARCHED.test(page.source)) index.push(...sections.map((one) => indexLine(page, path, one)))
  }
  bytes +=
    write('style.css', STYLE) + write('search.js', SEARCH) + write('search.json', JSON.stringify(index))
  bytes += write('openapi.json', JSON.stringify(openApiDocument()))
  bytes += write('asyncapi.json', JSON.stringify(asyncApiDocument()))
  bytes += write('llms.txt', llms(root, pages))
  return { pages: pages.length, bytes }
}

/** A page for each workspace that has public names. */
function referencePages(root: string): Page[] {
  return ['packages', 'services']
    .flatMap((area) => readdirSync(join(root, area)).map((name) => `${area}/${name}`))
    .filter((folder) => existsSync(join(root, folder, 'dist/index.d.ts')))
    .map((folder) => ({
      source: `reference/${posix.basename(folder)}.md`,
      text: referencePage(join(root, folder)),
      title: `Reference of @jamey/${posix.basename(folder)}`,
    }))
}

/** The list of docs/README.md, with the decisions and references below. */
function navigation(root: string, pages: readonly Page[], references: readonly Page[]): Group[] {
  const entryOf = ({ source, title }: Page) => ({ title, path: htmlPath(source) })
  const decisions = pages.filter(({ source }) => /^docs\/adr\/\d/.test(source))
  return [
    ...readContents(textOf(pages, CONTENTS)).groups.map(({ title, pages: listed }) => ({
      title,
      entries: listed.map((one) => ({
        title: one.title,
        path: htmlPath(targetOf(root, CONTENTS, one.href)?.path ?? one.href),
      })),
    })),
    {
      title: 'Reference of packages',
      entries: references.map(({ source }) => ({
        title: `@jamey/${posix.basename(source, '.md')}`,
        path: htmlPath(source),
      })),
    },
    { title: DECISIONS, entries: decisions.map(entryOf) },
  ]
}

/** The decisions are many, and are listed beside each other alone. */
function shownOn({ source }: Page, groups: readonly Group[]): readonly Group[] {
  return source.startsWith('docs/adr/') ? groups : groups.filter(({ title }) => title !== DECISIONS)
}

const DECISIONS = 'Decisions'
const CONTENTS = 'docs/README.md'

function textOf(pages: readonly Page[], source: string): string {
  const page = pages.find((one) => one.source === source)
  if (page === undefined) throw new Error(`${source} is missing`)
  return page.text
}

/** Pages are linked as HTML; other files of the repository lie beside them as text; a folder is no more than its name. */
function relinked(
  root: string,
  out: string,
  page: Page,
  href: string,
  known: ReadonlySet<string>,
): string | undefined {
  const target = targetOf(root, page.source, href)
  if (target === undefined) return href
  const from = posix.dirname(htmlPath(page.source))
  const to = (path: string) => `${posix.relative(from, path) || posix.basename(path)}${target.anchor}`
  if (known.has(target.path)) return to(htmlPath(target.path))
  const file = join(root, target.path)
  if (!existsSync(file) || statSync(file).isDirectory()) return undefined
  const copy = /\.(svg|png)$/.test(target.path) ? target.path : `${target.path}.txt`
  mkdirSync(dirname(join(out, copy)), { recursive: true })
  cpSync(file, join(out, copy))
  return to(copy)
}

function indexLine({ title }: Page, path: string, { heading, anchor, words }: Section): IndexLine {
  return [
    title,
    heading,
    anchor === '' ? path : `${path}#${anchor}`,
    words.toLowerCase().slice(0, WORDS_LENGTH),
  ]
}

function llms(root: string, pages: readonly Page[]): string {
  const contents = readContents(textOf(pages, CONTENTS))
  return llmsText(contents, (href) => targetOf(root, CONTENTS, href)?.path)
}
