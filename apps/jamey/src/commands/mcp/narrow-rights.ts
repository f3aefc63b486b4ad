import type { ClientOptions } from '../../client/connection-target.js'
import type { CommandContext } from '../../terminal/command-context.js'

/**
 * The options with which a command connects that agents use: with no more rights than `own` and what --permission adds,
 * and not with the operator's. Those of MQTT_PERMISSIONS are all there are, where somebody has listed them.
 */
export function withNarrowRights<Options extends ClientOptions>(
  { env }: Pick<CommandContext, 'env'>,
  options: Options,
  own: readonly string[],
): Options {
  const { permission = [] } = options
  if (permission.length === 0 && env['MQTT_PERMISSIONS']) return options
  return { ...options, permission: [...own, ...permission] }
}
