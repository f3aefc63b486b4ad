const AT_ONCE = 50

/** Does it for each of them, so many at a time. */
export async function inGroups<Item>(
  items: readonly Item[],
  work: (item: Item, i: number) => Promise<void>,
): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const i = next++
      await work(items[i] as Item, i)
    }
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker))
}
