import type { BrokerFiles } from '@jamey/manifest'
import type { WrittenFile } from '../install/broker-folder.js'
import { type Terminal, wrap } from '../terminal/terminal.js'

const WORDS: Readonly<Record<WrittenFile['became'], string>> = {
  written: 'wrote',
  replaced: 'wrote again',
  kept: 'kept',
}

/** Says what was written, how to check it and to start the broker, and what its operator has to know. */
export function formatBrokerFiles(
  { command, checkCommand, notes }: BrokerFiles,
  files: readonly WrittenFile[],
  shown: (path: string) => string,
  { colors, columns }: Pick<Terminal, 'colors' | 'columns'>,
): string {
  return [
    ...files.map(({ path, became }) => `${WORDS[became]} ${shown(path)}`),
    ...(checkCommand === undefined ? [] : ['', 'Check it:', `  ${checkCommand}`]),
    '',
    'Start it:',
    `  ${colors.bold(command)}`,
    '',
    'To know:',
    ...notes.map((note) => `- ${wrap(note, columns, '  ').trimStart()}`),
  ].join('\n')
}
