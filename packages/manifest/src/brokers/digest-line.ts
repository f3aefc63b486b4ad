import { createHash } from 'node:crypto'
import type { BrokerFile } from './broker-files.js'

const FORM = /^(?:#|%|\/\/) Made by `jamey broker-config`; sha256 of the lines below: ([0-9a-f]{64})\. .*\n/

/** The text as it is written: at its head a line that tells later whether somebody changed it. */
export function withDigestLine({ text, comment = '#' }: Pick<BrokerFile, 'text' | 'comment'>): string {
  return `${comment} Made by \`jamey broker-config\`; sha256 of the lines below: ${digest(text)}. A file that was changed is not written again.\n${text}`
}

/** True where `written` begins with such a line and nobody changed what follows. */
export function isAsMade(written: string): boolean {
  const found = FORM.exec(written)
  return found !== null && digest(written.slice(found[0].length)) === found[1]
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
