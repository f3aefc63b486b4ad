/** Keeps a map within its bound: what came first is forgotten. */
export function forgetOldest(map: Map<string, unknown>, maximumEntries: number): void {
  for (const key of map.keys()) {
    if (map.size <= maximumEntries) return
    map.delete(key)
  }
}
