/**
 * Where the broker's events go; a pino logger fits. Fields never hold passwords, tokens, keys or payloads.
 */
export interface Log {
  debug(fields: Record<string, unknown>, message: string): void
  info(fields: Record<string, unknown>, message: string): void
  warn(fields: Record<string, unknown>, message: string): void
  error(fields: Record<string, unknown>, message: string): void
}

function ignore(): void {}

export const silentLog: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore }
