/** One page of the list in docs/README.md. */
export interface Listed {
  readonly title: string
  /** As the list has it, relative to `docs`. */
  readonly href: string
  readonly about: string
}

export interface ListedGroup {
  readonly title: string
  readonly pages: readonly Listed[]
}

export interface Contents {
  readonly title: string
  readonly summary: string
  readonly groups: readonly ListedGroup[]
}

/** What docs/README.md lists. Throws where a line is none of `- [title](href): one line.` */
export function readContents(text: string): Contents {
  const [head = '', ...parts] = text.split(/^## /m)
  const [, title = '', summary = ''] = /^# (.+)\n\n(.+)\n/.exec(head) ?? []
  const groups = parts.map((part) => {
    const [heading = '', ...lines] = part.trim().split('\n')
    return { title: heading, pages: lines.map(listed) }
  })
  return { title, summary, groups }
}

function listed(line: string): Listed {
  const [, title, href, about] = /^- \[([^\]]+)\]\(([^)]+)\): (.+)$/.exec(line) ?? []
  if (title !== undefined && href !== undefined && about !== undefined) return { title, href, about }
  throw new Error(`docs/README.md: expected "- [title](href): one line.", found ${JSON.stringify(line)}`)
}

/** A list of pages for programs (llmstxt.org): a heading, a summary, and a link with one line for each page. */
export function llmsText(
  { title, summary, groups }: Contents,
  hrefOf: (href: string) => string | undefined,
): string {
  const parts = groups.map((group) => {
    const lines = group.pages.flatMap(({ title: page, href, about }) => {
      const found = hrefOf(href)
      return found === undefined ? [] : [`- [${page}](${found}): ${about}`]
    })
    return lines.length === 0 ? '' : `## ${group.title}\n\n${lines.join('\n')}\n`
  })
  return [`# ${title}\n`, `> ${summary}\n`, ...parts.filter((part) => part !== '')].join('\n')
}
