import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'

interface FormProps {
  readonly class?: string
  readonly children: ComponentChildren
  /** Undefined where each field holds as it is changed. */
  readonly onSubmit?: () => void
}

/** Fields that the page itself sends: the browser never leaves for another one. */
export function Form({ class: name, children, onSubmit }: FormProps) {
  return (
    <form
      class={name}
      onSubmit={(event) => {
        event.preventDefault()
        onSubmit?.()
      }}
    >
      {children}
    </form>
  )
}

interface ChoiceProps<Value extends string | number> {
  readonly label: string
  readonly options: readonly Value[]
  readonly value: NoInfer<Value>
  /** What an option is called; its value, where that is undefined. */
  readonly names?: (option: NoInfer<Value>) => string
  onChoose(option: NoInfer<Value>): void
}

/** One of a few, all of them to be seen. */
export function Choice<Value extends string | number>(props: ChoiceProps<Value>) {
  const { label, options, value, names = String, onChoose } = props
  const group = useId()
  return (
    <fieldset class="choice">
      <legend class="unseen">{label}</legend>
      {options.map((option) => (
        <label key={option}>
          <input type="radio" name={group} checked={value === option} onChange={() => onChoose(option)} />
          {names(option)}
        </label>
      ))}
    </fieldset>
  )
}
