import type { BusComponent, BusConfig } from './config.js'

export interface EnvironmentOptions {
  /** Where `.env` and relative paths are looked up; the working directory by default. */
  readonly cwd?: string
  /** Gives the default client identifier and permissions, and presence. */
  readonly component?: BusComponent
}

/** Reads the `MQTT_*` variables, also from `.env`. Throws `ConfigurationError` with every fault at once. */
export function configFromEnvironment(
  env: Readonly<Record<string, string | undefined>> = process.env,
  options: EnvironmentOptions = {},
): BusConfig {
  return { url: env['MQTT_BROKER_URL'] ?? '', clientId: options.component?.name ?? '', permissions: [] }
}
