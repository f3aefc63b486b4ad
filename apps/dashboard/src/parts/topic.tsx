import { Text } from './text.js'

/** A topic that is broken between its levels, where its column is too narrow for all of it. */
export function Topic({ children }: { children: string }) {
  const levels = children.split('/')
  return (
    <code>
      {levels.map((level, i) => (
        <span key={i}>
          <Text>{i < levels.length - 1 ? `${level}/` : level}</Text>
          <wbr />
        </span>
      ))}
    </code>
  )
}
