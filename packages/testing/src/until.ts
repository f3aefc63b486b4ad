/** Resolves once `condition` holds; looks again with every turn of the event loop. Rejects after `timeoutMs`. */
export async function until(condition: () => boolean, timeoutMs = 5000): Promise<void> {
  const endsAtMs = performance.now() + timeoutMs
  while (!condition()) {
    if (performance.now() > endsAtMs)
      throw new Error(`until: ${condition} did not come true in ${timeoutMs} ms`)
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
}
