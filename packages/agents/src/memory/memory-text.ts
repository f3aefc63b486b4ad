import { CONTENT_CHARACTERS } from '@jamey/contracts'

/** Texts as the one of a memory, by which it is found: the beginning of all of them, and `otherwise` where they are empty. */
export function memoryText(texts: readonly string[], otherwise: string): string {
  const text = texts.join('\n').replaceAll('\0', ' ').slice(0, CONTENT_CHARACTERS).toWellFormed()
  return text.trim() === '' ? otherwise : text
}
