import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

/** Every link of a site that leads nowhere within it, as `page: link`. Links to elsewhere are not followed. */
export function deadLinks(folder: string): string[] {
  const pages = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.html'),
  )
  const anchors = new Map(pages.map((page) => [join(folder, page), anchorsOf(join(folder, page))]))
  return pages.flatMap((page) => {
    const text = readFileSync(join(folder, page), 'utf8')
    const links = [...text.matchAll(/ (?:href|src)="([^"]*)"/g)].map(([, link = '']) =>
      link.replaceAll('&amp;', '&'),
    )
    return [...new Set(links)]
      .filter((link) => !/^[a-z]+:/.test(link) && !leads(folder, join(folder, page), link, anchors))
      .map((link) => `${page}: ${link}`)
  })
}

function leads(
  folder: string,
  page: string,
  link: string,
  anchors: ReadonlyMap<string, ReadonlySet<string>>,
): boolean {
  const [file = '', anchor] = link.split('#')
  const target = file === '' ? page : join(dirname(page), decodeURIComponent(file))
  if (relative(folder, target).startsWith('..') || !existsSync(target)) return false
  return anchor === undefined || (anchors.get(target)?.has(decodeURIComponent(anchor)) ?? false)
}

function anchorsOf(page: string): Set<string> {
  return new Set([...readFileSync(page, 'utf8').matchAll(/ id="([^"]*)"/g)].map(([, id = '']) => id))
}
