/** Bytes before the numbers of a packed vector: what each of them is worth. */
const HEADER_BYTES = 4

/** A vector of length 1 in one byte a number, as the file has it: a quarter of its size, and nearly as exact. */
export function pack(vector: Float32Array): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + vector.length)
  const most = vector.reduce((found, value) => Math.max(found, Math.abs(value)), Number.MIN_VALUE)
  new DataView(bytes.buffer).setFloat32(0, most / 127, true)
  for (const [i, value] of vector.entries()) bytes[HEADER_BYTES + i] = Math.round((value / most) * 127)
  return bytes
}

export function dimensionOf(packed: Uint8Array): number {
  return packed.length - HEADER_BYTES
}

/** The cosine of a vector and a packed one. */
export function similarity(vector: Float32Array, packed: Uint8Array): number {
  const { buffer, byteOffset, length } = packed
  const numbers = new Int8Array(buffer, byteOffset + HEADER_BYTES, length - HEADER_BYTES)
  let sum = 0
  for (let i = 0; i < numbers.length; i++) sum += (vector[i] as number) * (numbers[i] as number)
  return sum * new DataView(buffer, byteOffset).getFloat32(0, true)
}

/** Numbers of 32 bits that hold one bit a dimension. */
export function wordsFor(dimension: number): number {
  return (dimension + 31) >>> 5
}

/** The signs of a vector's numbers, from `at` on in `into`: two that point the same way differ in few of them. */
export function writeSigns(values: ArrayLike<number>, from: number, into: Int32Array, at: number): void {
  for (let i = from; i < values.length; i++) {
    if ((values[i] as number) <= 0) continue
    const word = at + ((i - from) >>> 5)
    into[word] = (into[word] as number) | (1 << ((i - from) & 31))
  }
}

/** The same of a packed vector. */
export function writePackedSigns(packed: Uint8Array, into: Int32Array, at: number): void {
  writeSigns(new Int8Array(packed.buffer, packed.byteOffset, packed.length), HEADER_BYTES, into, at)
}
