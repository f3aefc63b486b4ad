import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, posix } from 'node:path'

/** One Markdown file of the repository. */
export interface Page {
  /** From the root of the repository: `docs/wire.md`. */
  readonly source: string
  readonly text: string
  /** Its first heading. */
  readonly title: string
}

/** Folders whose Markdown files are pages, with those below. */
const FOLDERS = ['docs', 'deploy', 'packages', 'services', 'apps', 'bench', 'tests', 'site']
const FILES = ['README.md', 'ARCHITECTURE.md', 'AGENTS.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md']
/** Of no Markdown that is ours to read. */
const LEFT_OUT = /^(node_modules|dist|bundle|pages|out|build|\.jamey)$/

/** Every page below `root`, by the order of their files. */
export function readPages(root: string): Page[] {
  const sources = [...FILES, ...FOLDERS.flatMap((folder) => markdownIn(root, folder))]
  return sources.map((source) => {
    const text = readFileSync(join(root, source), 'utf8')
    const [, heading = basename(source)] = /^# (.+)$/m.exec(text) ?? []
    return { source, text, title: plain(heading) }
  })
}

function markdownIn(root: string, folder: string): string[] {
  // An image is built of what runs alone, without tests.
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = posix.join(folder, entry.name)
      if (entry.isDirectory()) return LEFT_OUT.test(entry.name) ? [] : markdownIn(root, path)
      return entry.name.endsWith('.md') ? [path] : []
    })
}

/** Without the signs of Markdown. */
export function plain(markdown: string): string {
  return markdown.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[`*]/g, '')
}

/** What a heading is called in a link: lower case, no punctuation, hyphens for spaces. */
export function anchorOf(heading: string): string {
  return plain(heading)
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
}

/** `docs/wire.html` of `docs/wire.md`, and the `index.html` of a folder of its README. */
export function htmlPath(source: string): string {
  const folder = posix.dirname(source)
  return posix.basename(source) === 'README.md'
    ? posix.join(folder, 'index.html')
    : source.replace(/\.md$/, '.html')
}

/** A link of a page, resolved. */
export interface Target {
  /** From the root of the repository; a folder's README where it has one. */
  readonly path: string
  /** With its number sign, or nothing. */
  readonly anchor: string
}

/** Where a relative link of a page leads; undefined for one that leads elsewhere (`https:`). */
export function targetOf(root: string, source: string, href: string): Target | undefined {
  if (/^[a-z]+:/.test(href)) return undefined
  const [file = '', anchor] = href.split('#')
  const path = file === '' ? source : posix.normalize(posix.join(dirname(source), file)).replace(/\/$/, '')
  const readme = posix.join(path, 'README.md')
  const isFolder = existsSync(join(root, path)) && statSync(join(root, path)).isDirectory()
  return {
    path: isFolder && existsSync(join(root, readme)) ? readme : path,
    anchor: anchor === undefined ? '' : `#${anchor}`,
  }
}

/** When the sources were last committed, as `2026-11-30`; nothing outside of a clone. */
export function committedOn(root: string): string {
  try {
    return execFileSync('git', ['log', '-1', '--format=%cs'], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
      .toString()
      .trim()
  } catch {
    return ''
  }
}
