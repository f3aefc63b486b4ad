import type { z } from 'zod'

type Type = z.core.$ZodType
type Check = z.core.$ZodCheck<never>
type Issue = z.core.$ZodIssue
/** Whether a schema takes a value, and as it is. False where that is not known. */
type IsSound = (value: unknown) => boolean

const KNOWN = new WeakMap<Type, IsSound>()

/**
 * What `schema.safeParse` gives, in a part of its time: zod makes several objects for each field of each message. Data
 * that are sound as they are come out as the very object that went in. Whatever is at fault or to be changed is left to
 * zod, and so are the kinds of schemas that are not known here.
 */
export function quickParse<Schema extends z.ZodType>(
  schema: Schema,
  data: unknown,
): z.ZodSafeParseResult<z.output<Schema>> {
  return soundnessOf(schema)(data)
    ? { success: true, data: data as z.output<Schema> }
    : schema.safeParse(data)
}

function soundnessOf(type: Type): IsSound {
  const known = KNOWN.get(type)
  if (known !== undefined) return known
  // A schema that contains itself finds this, which looks for what is made below.
  KNOWN.set(type, (value) => soundnessOf(type)(value))
  const made = withChecks(type, ofType(type as z.core.$ZodTypes))
  KNOWN.set(type, made)
  return made
}

function ofType(type: z.core.$ZodTypes): IsSound {
  const { def } = type._zod
  switch (def.type) {
    case 'string':
      return (value) => typeof value === 'string'
    case 'number':
      return Number.isFinite
    case 'boolean':
      return (value) => typeof value === 'boolean'
    case 'null':
      return (value) => value === null
    case 'unknown':
      return () => true
    case 'enum':
    case 'literal': {
      const values = type._zod.values as ReadonlySet<unknown>
      return (value) => values.has(value)
    }
    case 'nullable':
      return besides(null, soundnessOf(def.innerType))
    case 'optional':
      return mayBeAbsent(type) ? besides(undefined, soundnessOf(def.innerType)) : asZod(type)
    case 'default': {
      const isSound = soundnessOf(def.innerType)
      return (value) => value !== undefined && isSound(value)
    }
    case 'array': {
      const isSound = soundnessOf(def.element)
      return (value) => Array.isArray(value) && areAll(value, isSound)
    }
    case 'record':
      return ofRecord(def)
    case 'object':
      return ofObject(def)
    case 'union':
      return ofUnion(def)
    default:
      return asZod(type)
  }
}

/** Those that an array leaves out are undefined to zod, while `every` passes them over. */
function areAll(values: readonly unknown[], isSound: IsSound): boolean {
  for (let i = 0; i < values.length; i++) if (!isSound(values[i])) return false
  return true
}

/** Never sound where zod makes another object of one. */
function asZod(type: Type): IsSound {
  return (value) => {
    const result = type._zod.parse({ value, issues: [] }, { async: false })
    return !(result instanceof Promise) && result.issues.length === 0 && result.value === value
  }
}

function besides(exception: null | undefined, isSound: IsSound): IsSound {
  return (value) => value === exception || isSound(value)
}

/** Fields with a default may not: they would have to be added. */
function mayBeAbsent(type: Type): boolean {
  return type._zod.def.type === 'optional' && type._zod.optin === 'optional'
}

/** Goes through the fields that there are, which is quicker than to look for those that there may be. */
function ofObject({ shape, catchall }: z.core.$ZodObjectDef): IsSound {
  const fields = new Map<string, { readonly isSound: IsSound; readonly required: 0 | 1 }>()
  let required = 0
  for (const [name, type] of Object.entries<Type>(shape)) {
    const field = { isSound: soundnessOf(type), required: mayBeAbsent(type) ? 0 : 1 } as const
    fields.set(name, field)
    required += field.required
  }
  const mayHaveMore = catchall?._zod.def.type === 'unknown'
  return (value) => {
    if (!isPlain(value)) return false
    let found = 0
    for (const name in value) {
      const field = fields.get(name)
      if (field === undefined ? !mayHaveMore : !field.isSound(value[name])) return false
      if (field !== undefined) found += field.required
    }
    return found === required
  }
}

function ofRecord({ keyType, valueType }: z.core.$ZodRecordDef): IsSound {
  const isName = soundnessOf(keyType)
  const isSound = soundnessOf(valueType)
  return (value) => {
    if (!isPlain(value)) return false
    for (const name in value) if (!isName(name) || !isSound(value[name])) return false
    return true
  }
}

/** One of several is told by a field, or by itself where none before it might take the value. */
function ofUnion(def: z.core.$ZodUnionDef | z.core.$ZodDiscriminatedUnionDef): IsSound {
  const { options } = def
  if (!('discriminator' in def)) {
    const isAmbiguous = def.inclusive === false || options.some(({ _zod }) => !PRIMITIVE.has(_zod.def.type))
    const alternatives = options.slice(0, isAmbiguous ? 1 : options.length).map(soundnessOf)
    return (value) => alternatives.some((isSound) => isSound(value))
  }
  const { discriminator } = def
  const alternatives = new Map<unknown, IsSound>()
  for (const option of options) {
    for (const value of option._zod.propValues?.[discriminator] ?? []) {
      alternatives.set(value, soundnessOf(option))
    }
  }
  return (value) => isPlain(value) && alternatives.get(value[discriminator])?.(value) === true
}

const PRIMITIVE: ReadonlySet<string> = new Set([
  'string',
  'number',
  'boolean',
  'null',
  'enum',
  'literal',
  'template_literal',
])

/** An object as JSON has them. A field of that name is no field to zod. */
function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return (prototype === Object.prototype || prototype === null) && !Object.hasOwn(value, '__proto__')
}

/** The schema's own checks, as `min` and `refine` are, behind its type. */
function withChecks(type: Type, isOfType: IsSound): IsSound {
  const own = type._zod.traits.has('$ZodCheck') ? [type as Type & Check] : []
  const given = (type._zod.def.checks ?? []) as Check[]
  return [...own, ...given]
    .map(ofCheck)
    .reduce((isSound, passes) => (value) => isSound(value) && passes(value), isOfType)
}

/** The usual ones; the others as zod does them. */
function ofCheck(check: Check): IsSound {
  const def = check._zod.def as z.core.$ZodChecks['_zod']['def']
  if (def.check === 'min_length') return (value) => (value as string).length >= def.minimum
  if (def.check === 'max_length') return (value) => (value as string).length <= def.maximum
  if (def.check === 'number_format' && def.format === 'safeint') return Number.isSafeInteger
  if ((def.check === 'greater_than' || def.check === 'less_than') && typeof def.value === 'number') {
    const { check: side, value: bound, inclusive } = def
    const sign = side === 'less_than' ? 1 : -1
    return (value) => (value === bound ? inclusive : sign * ((value as number) - bound) < 0)
  }
  if (def.check === 'string_format' && def.format === 'datetime') return ofTime(def.pattern as RegExp)
  return (value) => {
    const payload = { value: value as never, issues: [] }
    if (def.when !== undefined && !def.when(payload)) return true
    const waits = check._zod.check(payload)
    return !(waits instanceof Promise) && payload.issues.length === 0 && payload.value === value
  }
}

/** Times often come several at once, and are the same. */
function ofTime(pattern: RegExp): IsSound {
  let last: unknown
  return (value) => {
    if (value === last) return true
    if (!pattern.test(value as string)) return false
    last = value
    return true
  }
}

/** The words of zod for a value that has none of several shapes. */
const UNION_MESSAGE = 'Invalid input'

/**
 * The first thing that is wrong, by zod's issues. Where one of several shapes was expected, it is what their schema says
 * of that in words of its own, else that of the shape which comes nearest; the first of them where two come as near. A
 * field of another of them is told with what it excludes.
 */
export function firstIssue(issues: readonly Issue[]): Issue | undefined {
  const [issue] = issues
  if (issue?.code !== 'invalid_union' || issue.errors.length === 0) return issue
  if (issue.message !== UNION_MESSAGE) return issue
  const [nearest] = issue.errors
    .map((shape) => ({ shape, faults: shape.reduce((sum, one) => sum + countOf(one), 0) }))
    .sort((a, b) => a.faults - b.faults)
  const inner = firstIssue(nearest?.shape ?? [])
  if (inner === undefined) return issue
  const found = ofAnotherShape(inner, issue.errors) ?? inner
  return { ...found, path: [...issue.path, ...found.path] }
}

/** The issue of a field that is none of the nearest shape's and yet one of another's. */
function ofAnotherShape(issue: Issue, shapes: readonly (readonly Issue[])[]): Issue | undefined {
  if (issue.code !== 'unrecognized_keys' || issue.path.length > 0) return undefined
  const [key = ''] = issue.keys
  const excluded = shapes.map(strangersOf).find((keys) => keys.length > 0 && !keys.includes(key))
  if (excluded === undefined) return undefined
  const message = `expected without ${excluded.join(', ')}`
  return { code: 'custom', path: [key], message, input: issue.input }
}

function strangersOf(shape: readonly Issue[]): string[] {
  return shape.flatMap((one) => (one.code === 'unrecognized_keys' && one.path.length === 0 ? one.keys : []))
}

function countOf(issue: Issue): number {
  return issue.code === 'unrecognized_keys' ? issue.keys.length : 1
}
