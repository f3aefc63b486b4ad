/** A body that no broker sends; it is answered by a refusal. */
export class MalformedRequest extends Error {
  override readonly name = 'MalformedRequest'
}

/** The fields of a body, by name. */
export class Fields {
  readonly #values: Readonly<Record<string, unknown>>

  constructor(values: unknown) {
    if (typeof values !== 'object' || values === null || Array.isArray(values)) {
      throw new MalformedRequest('the body is no object')
    }
    this.#values = { ...values }
  }

  /** Undefined where the field is missing, null or `undefined`, which brokers send for what they do not know. */
  text(name: string): string | undefined {
    const value = this.#value(name)
    if (value === undefined || value === null) return undefined
    if (typeof value !== 'string') throw new MalformedRequest(`${name} is no text`)
    return value
  }

  required(name: string): string {
    const text = this.text(name)
    if (text === undefined) throw new MalformedRequest(`${name} is missing`)
    return text
  }

  /** '' is absent, too. */
  filled(name: string): string | undefined {
    return this.text(name) || undefined
  }

  oneOf<const T extends string>(name: string, values: readonly T[]): T {
    const text = this.required(name)
    const found = values.find((value) => value === text)
    if (found === undefined) throw new MalformedRequest(`${name} is none of ${values.join(', ')}`)
    return found
  }

  /** An object in it; empty where it is missing. */
  inner(name: string): Fields {
    return new Fields(this.#value(name) ?? {})
  }

  list(name: string): readonly Fields[] {
    const value = this.#value(name)
    if (!Array.isArray(value)) throw new MalformedRequest(`${name} is no list`)
    return value.map((each) => new Fields(each))
  }

  #value(name: string): unknown {
    return Object.hasOwn(this.#values, name) ? this.#values[name] : undefined
  }
}
