/** Lets the event loop turn until `condition` holds; a test that waits in vain runs into its time-out. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}
