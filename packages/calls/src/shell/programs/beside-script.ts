import { isLoading, settingIn } from '../loading-variables.js'

/** Arguments that say what a shell is started with. */
const VARIABLES = /^(?:env|envs|environment|env_?vars?|environment_?variables)$/i
const KNOWN_SHELL = /^(?:\/(?:usr\/)?(?:local\/)?bin\/)?(?:ba|z|da|k)?sh$/

/** Why what a shell runs is not what its script says, by an argument beside it; undefined where it is. */
export function shellFault(names: readonly string[], text: string): string | undefined {
  const name = names.at(-1) ?? ''
  const before = names.at(-2) ?? ''
  if (name === 'shell' && text !== '' && !KNOWN_SHELL.test(text)) return 'a shell that is not known'
  if (/^(?:user|run_?as)$/i.test(name) && /^(?:root|0|administrator|system)$/i.test(text))
    return 'it runs as another user'
  const setting = VARIABLES.test(before)
    ? { name, value: { text, isDynamic: false } }
    : VARIABLES.test(name)
      ? settingIn({ text, isDynamic: false })
      : undefined
  const isSet = setting !== undefined && isLoading(setting.name, setting.value)
  return isSet ? `${setting.name} is set, which decides what is run` : undefined
}

/** What lets go of what holds an agent in. */
const RELEASES =
  /^(?:dangerously|disable_?sandbox|no_?sandbox|without_?sandbox|bypass|skip_?(?:permissions?|approvals?)|with_?escalated|escalate|elevated?|privileged|as_?root|sudo)/i

/** `dangerouslyDisableSandbox: true`, `with_escalated_permissions: true`. */
export function releases(name: string): boolean {
  return RELEASES.test(name)
}

/** `sandbox_permissions: 'require_escalated'` */
export function releasesBy(name: string, text: string): boolean {
  return /^sandbox/i.test(name) && /escalat|danger|full|none|disabled|off$/i.test(text)
}
