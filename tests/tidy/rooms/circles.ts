/** Groups of files of which each reaches each other one by imports: Tarjan's strongly connected components. */
export function circlesOf(imports: ReadonlyMap<string, readonly string[]>): string[][] {
  const circles: string[][] = []
  const order = new Map<string, number>()
  const lowest = new Map<string, number>()
  const open: string[] = []
  const isOpen = new Set<string>()

  const visit = (file: string): void => {
    order.set(file, order.size)
    lowest.set(file, order.get(file) as number)
    open.push(file)
    isOpen.add(file)
    for (const other of imports.get(file) ?? []) {
      if (!imports.has(other)) continue
      if (!order.has(other)) visit(other)
      if (isOpen.has(other)) lowest.set(file, Math.min(numberOf(lowest, file), numberOf(lowest, other)))
    }
    if (lowest.get(file) !== order.get(file)) return
    const group = open.splice(open.indexOf(file))
    for (const member of group) isOpen.delete(member)
    const importsItself = group.length === 1 && imports.get(file)?.includes(file) === true
    if (group.length > 1 || importsItself) circles.push(group.sort())
  }

  for (const file of imports.keys()) if (!order.has(file)) visit(file)
  return circles
}

function numberOf(numbers: ReadonlyMap<string, number>, file: string): number {
  return numbers.get(file) as number
}
