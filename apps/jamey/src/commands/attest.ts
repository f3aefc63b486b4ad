import { digestSchema, topics } from '@jamey/contracts'
import { withBus } from '../client/connection.js'
import type { ClientOptions } from '../client/connection-target.js'
import { EXIT } from '../support/exit-codes.js'
import { usageError } from '../support/failure.js'
import { plural } from '../support/quantities.js'
import type { CommandContext, Outcome } from '../terminal/command-context.js'

const USAGE = { code: 'usage' }

export interface AttestOptions extends ClientOptions {
  /** The client identifier of whose request it is. */
  readonly requester: string
  /** Each `name=value`. */
  readonly fact?: readonly string[]
  /** Seconds. */
  readonly for: number
  readonly withdraw?: boolean
  readonly timeout: number
}

/** Says something about a request that somebody else made, or takes back what was said. */
export async function attest(
  context: CommandContext,
  requestDigest: string,
  options: AttestOptions,
): Outcome {
  const { terminal, interrupted } = context
  if (!digestSchema.safeParse(requestDigest).success) {
    throw usageError(
      `the digest is ${JSON.stringify(requestDigest.slice(0, 80))}; expected sha256: and 64 hexadecimal digits`,
      { ...USAGE, hint: 'copy it from the verdict, which shows it as its request' },
    )
  }
  const facts = Object.fromEntries((options.fact ?? []).map(factOf))
  const isWithdrawn = options.withdraw === true
  if (isWithdrawn === Object.keys(facts).length > 0) {
    throw usageError(
      isWithdrawn ? '--withdraw takes back everything, so no --fact goes with it' : 'nothing is attested',
      { ...USAGE, hint: 'such as --fact confirmed=true, or --withdraw alone' },
    )
  }
  // A fact that is taken back is replaced by one that does not count, and that goes soon.
  const expirySeconds = isWithdrawn ? 1 : options.for
  const expires_at = new Date(context.now().getTime() + (isWithdrawn ? 0 : options.for * 1000)).toISOString()
  await withBus(context, options, async (bus) => {
    await bus.publish(
      topics.conscience.facts,
      { requested_by: options.requester, facts, expires_at },
      {
        parameters: { request_digest: requestDigest },
        expirySeconds,
        isDurable: false,
        timeoutMs: options.timeout,
        signal: interrupted,
      },
    )
  })
  const count = Object.keys(facts).length
  if (options.json)
    terminal.printJson({
      request_digest: requestDigest,
      requested_by: options.requester,
      facts,
      expires_at,
      withdrawn: isWithdrawn,
    })
  else if (isWithdrawn) terminal.print('taken back')
  else terminal.print(`${plural(count, 'fact', 'facts')} attested until ${expires_at}`)
  return EXIT.success
}

/** `true` and `false` are no text, and neither is a number. */
function factOf(text: string): [string, boolean | number | string] {
  const [, name, value] = /^([^=]{1,100})=([\s\S]{0,1000})$/.exec(text) ?? []
  if (name === undefined || value === undefined) {
    throw usageError(`the fact is ${JSON.stringify(text.slice(0, 80))}; expected name=value`, {
      ...USAGE,
      hint: 'such as confirmed=true',
    })
  }
  if (value === 'true' || value === 'false') return [name, value === 'true']
  return [name, /^-?\d{1,15}(\.\d{1,15})?$/.test(value) ? Number(value) : value]
}
