/** Throws `TypeError` where a word cannot be a level of its own in a topic. */
export function assertLevel(name: string, level: string): void {
  if (typeof level === 'string' && level !== '' && !/[/+#\0]/.test(level)) return
  throw new TypeError(
    `The ${name} must be one topic level without '/', '+', '#'; it is ${JSON.stringify(level)}.`,
  )
}
