import { CommandFailure } from './failure.js'

/** No memory is that long; a file that is no text would otherwise fill the memory of the process. */
const MAXIMUM_LINE_CHARACTERS = 16_777_216

/** The lines of UTF-8 as it arrives, without their ends and without a byte order mark. Throws `CommandFailure`. */
export async function* textLines(source: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let rest = ''
  const decode = (bytes?: Uint8Array): string => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true })
    } catch (error) {
      throw new CommandFailure(`${name} is not UTF-8 text`, { code: 'file-not-text', cause: error })
    }
  }
  for await (const bytes of source) {
    const lines = (rest + decode(bytes)).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > MAXIMUM_LINE_CHARACTERS) {
      throw new CommandFailure(`${name} has a line of more than 16 MiB`, { code: 'line-too-long' })
    }
    for (const line of lines) yield line.endsWith('\r') ? line.slice(0, -1) : line
  }
  rest += decode()
  if (rest !== '') yield rest
}
