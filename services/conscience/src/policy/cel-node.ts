/** A part of an expression as the parser of CEL makes it; its own types do not say what the arguments are. */
export interface CelNode {
  readonly op: string
  readonly args: unknown
}

/** The sides of an operator, of which some have one alone. */
export function operandsOf({ args }: CelNode): readonly CelNode[] {
  return (Array.isArray(args) ? args : [args]) as readonly CelNode[]
}

/** The elements of a list that stands in the condition, where they are strings alone. */
export function stringsOf({ op, args }: CelNode): readonly string[] | undefined {
  if (op !== 'list') return undefined
  const values = (args as readonly CelNode[]).map((node) => (node.op === 'value' ? node.args : undefined))
  return values.every((value) => typeof value === 'string') ? (values as string[]) : undefined
}

/** `xs` of `size(xs)`. */
export function sizedIn({ op, args }: CelNode): CelNode | undefined {
  if (op !== 'call') return undefined
  const [name, given] = args as readonly [string, readonly CelNode[]]
  return name === 'size' && given.length === 1 ? given[0] : undefined
}
