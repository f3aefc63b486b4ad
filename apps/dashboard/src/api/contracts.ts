/** What a contract of Jamey's says, in short. */
export interface ContractSummary {
  readonly topic: string
  readonly action: string
  /** True where somebody answers. */
  readonly isRequest: boolean
  /** Its fields by name, such as `content: string`; optional ones end with a question mark. */
  readonly fields: readonly string[]
}

/** Written into the page when it is built, from `@jamey/contracts`. */
declare const CONTRACTS_AT_BUILD: readonly ContractSummary[]

export const contracts = CONTRACTS_AT_BUILD

/** As a filter, or as a topic to be filled in: `{client_id}` is one level. */
export const filterOf = ({ topic }: ContractSummary): string => topic.replaceAll(/\{[a-z_]+\}/g, '+')

/** An example of what is required, to be filled in. */
export function exampleOf({ fields }: ContractSummary): string {
  const values: Readonly<Record<string, unknown>> = {
    string: '',
    number: 0,
    integer: 0,
    boolean: false,
    array: [],
  }
  const required = fields.map((field) => field.split(': ')).filter(([name]) => !name?.endsWith('?'))
  return JSON.stringify(
    Object.fromEntries(required.map(([name, type = '']) => [name, values[type] ?? {}])),
    undefined,
    2,
  )
}
