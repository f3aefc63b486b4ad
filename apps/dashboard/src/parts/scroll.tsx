import type { ComponentChildren } from 'preact'

interface ScrollProps {
  readonly label: string
  readonly children: ComponentChildren
}

/** Text as it is, which scrolls where it is long; who has no mouse scrolls it by its focus. */
export function Scroll({ label, children }: ScrollProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard.
    // biome-ignore lint/a11y/useSemanticElements: neither a set of fields nor a landmark.
    <div class="scroll" tabIndex={0} role="group" aria-label={label}>
      <pre>{children}</pre>
    </div>
  )
}
