import { EXIT, type ExitCode } from './exit-codes.js'

/** A failure of the command line itself: what went wrong, the way out, and the code to leave with. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure'
  readonly code: string
  readonly exitCode: ExitCode
  readonly hint: string | undefined

  constructor(
    message: string,
    options: { code: string; exitCode?: ExitCode; hint?: string; cause?: unknown },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = options.code
    this.exitCode = options.exitCode ?? EXIT.other
    this.hint = options.hint
  }
}

/** Words of a command that do not go together, or say nothing it could do. */
export function usageError(
  message: string,
  options: { readonly code: string; readonly hint?: string; readonly cause?: unknown },
): CommandFailure {
  return new CommandFailure(message, { ...options, exitCode: EXIT.usage })
}

/** A failure as it is shown: one line for people, one object for scripts. */
export interface FailureReport {
  readonly code: string
  readonly exitCode: ExitCode
  readonly message: string
  readonly hint?: string
  readonly retryable?: boolean
}

interface ErrorFacts {
  readonly name: string
  readonly message: string
  readonly code: string | undefined
  readonly kind: string | undefined
  readonly reasonCode: number | undefined
  readonly retryable: boolean | undefined
}

/**
 * The errors of the other packages are told apart by their documented `name`, so that a short command does
 * not load packages that it does not use.
 */
const EXIT_BY_NAME: Readonly<Record<string, ExitCode | ((facts: ErrorFacts) => ExitCode)>> = {
  PermissionError: EXIT.refused,
  AuthenticationError: EXIT.refused,
  RequestTimeoutError: EXIT.timeout,
  TimeoutError: EXIT.timeout,
  NoResponderError: EXIT.unavailable,
  ConnectionError: EXIT.unavailable,
  ConfigurationError: EXIT.usage,
  BrokerFilesError: EXIT.usage,
  ManifestError: EXIT.usage,
  RuleFileError: EXIT.usage,
  AuthzError: (facts) => (facts.code === 'settings-invalid' ? EXIT.usage : EXIT.other),
  AcmeError: (facts) => (facts.retryable ? EXIT.unavailable : EXIT.other),
  OwnershipError: EXIT.usage,
  TokenError: EXIT.usage,
  PermissionListError: EXIT.usage,
  MessageError: EXIT.usage,
  PublishError: exitOfRefusal,
  SubscriptionError: exitOfRefusal,
  RemoteError: (facts) => EXIT_BY_REMOTE_KIND[facts.kind ?? ''] ?? EXIT.other,
  AbortError: EXIT.interrupted,
  AbortedError: (facts) => (facts.code === 'request-aborted' ? EXIT.interrupted : EXIT.other),
}

const EXIT_BY_REMOTE_KIND: Readonly<Record<string, ExitCode>> = {
  invalid: EXIT.usage,
  'invalid-request': EXIT.usage,
  'invalid-input': EXIT.usage,
  'bad-request': EXIT.usage,
  'invalid-message': EXIT.usage,
  'unknown-action': EXIT.usage,
  forbidden: EXIT.refused,
  refused: EXIT.refused,
  'not-authorized': EXIT.refused,
  'not-permitted': EXIT.refused,
  'approval-settled': EXIT.refused,
  timeout: EXIT.timeout,
  deadline: EXIT.timeout,
  'deadline-exceeded': EXIT.timeout,
  aborted: EXIT.unavailable,
  unavailable: EXIT.unavailable,
  'no-responder': EXIT.unavailable,
}

/** The broker said no (0x80 and above), time ran out, or there was no connection to say anything over. */
function exitOfRefusal(facts: ErrorFacts): ExitCode {
  if (facts.reasonCode !== undefined && facts.reasonCode >= 0x80) return EXIT.refused
  if (facts.code === 'timeout') return EXIT.timeout
  if (facts.code === 'aborted') return EXIT.interrupted
  if (facts.code === 'invalid-argument') return EXIT.usage
  return facts.retryable ? EXIT.unavailable : EXIT.other
}

/** What stands before a field that whoever gave the command knows by its own name; answers come at other topics. */
const OF_OUR_REQUEST = /^Message for (?!\S*\/responses\/)\S+: payload\.data\./

/** The words and the exit code for anything that was thrown. Never contains a stack. */
export function reportOf(error: unknown): FailureReport {
  if (error instanceof CommandFailure) {
    return {
      code: error.code,
      exitCode: error.exitCode,
      message: error.message,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    }
  }
  const facts = factsOf(error)
  const exit = EXIT_BY_NAME[facts.name]
  return {
    code: facts.kind ?? facts.code ?? 'internal',
    exitCode: typeof exit === 'function' ? exit(facts) : (exit ?? EXIT.other),
    message: facts.message.replace(OF_OUR_REQUEST, ''),
    ...(facts.retryable === undefined ? {} : { retryable: facts.retryable }),
  }
}

function factsOf(error: unknown): ErrorFacts {
  if (!(error instanceof Error)) {
    return {
      name: '',
      message: String(error),
      code: undefined,
      kind: undefined,
      reasonCode: undefined,
      retryable: undefined,
    }
  }
  const fields = error as unknown as Record<string, unknown>
  return {
    name: error.name,
    message: error.message === '' ? error.name : error.message,
    code: typeof fields['code'] === 'string' ? fields['code'] : undefined,
    kind: typeof fields['kind'] === 'string' ? fields['kind'] : undefined,
    reasonCode: typeof fields['reasonCode'] === 'number' ? fields['reasonCode'] : undefined,
    retryable: typeof fields['retryable'] === 'boolean' ? fields['retryable'] : undefined,
  }
}
