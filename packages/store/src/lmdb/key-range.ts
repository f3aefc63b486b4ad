/** The range of keys that begin with `prefix`. */
export function rangeOf(prefix: Uint8Array | readonly number[]): { start: Buffer; end?: Buffer } {
  const start = Buffer.from(prefix)
  const last = start.findLastIndex((byte) => byte !== 0xff)
  if (last === -1) return { start }
  const end = Buffer.from(start.subarray(0, last + 1))
  end[last] = (end[last] as number) + 1
  return { start, end }
}
