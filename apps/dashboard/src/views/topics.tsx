import { useRef, useState } from 'preact/hooks'
import { contracts, filterOf } from '../api/contracts.js'
import { Choice } from '../parts/form.js'
import { route } from '../state/route.js'
import { LiveMessages } from './live-messages.js'
import { TopicExplainer } from './topic-explainer.js'
import { PublishForm, RequestForm } from './topic-forms.js'

const TOOLS = { explain: 'Explain', publish: 'Publish', request: 'Request' } as const
type Tool = keyof typeof TOOLS

/** Messages as they come, and what one may do with a topic. */
export function Topics() {
  const { query } = route.value
  const [tool, setTool] = useState<Tool>('explain')
  const [topic, setTopic] = useState(query.get('topic') ?? '')
  const input = useRef<HTMLInputElement>(null)
  const choose = (chosen: string): void => {
    setTopic(chosen)
    // Where both do not stand beside each other, this also brings it into sight.
    input.current?.focus()
  }
  return (
    <>
      <h1>Topics</h1>
      <datalist id="known-filters">
        {[...new Set(contracts.map(filterOf))].map((filter) => (
          <option key={filter} value={filter} />
        ))}
      </datalist>
      <datalist id="known-topics">
        {[...new Set(contracts.map((one) => one.topic))]
          .filter((one) => !one.includes('{'))
          .map((one) => (
            <option key={one} value={one} />
          ))}
      </datalist>
      <div class="split">
        <LiveMessages key={query.get('filter')} filter={query.get('filter') ?? ''} onTopic={choose} />
        <section aria-labelledby="topic-tools" class="tools">
          <h2 id="topic-tools">One topic</h2>
          <Choice
            label="What to do with a topic"
            options={Object.keys(TOOLS) as Tool[]}
            names={(name) => TOOLS[name]}
            value={tool}
            onChoose={setTool}
          />
          <label class="field">
            <span>Topic</span>
            <input
              ref={input}
              type="text"
              class="code"
              list="known-topics"
              spellcheck={false}
              autocomplete="off"
              value={topic}
              onInput={(event) => setTopic(event.currentTarget.value)}
            />
          </label>
          {tool === 'explain' && <TopicExplainer topic={topic} />}
          {tool === 'publish' && <PublishForm topic={topic} />}
          {tool === 'request' && <RequestForm topic={topic} />}
        </section>
      </div>
    </>
  )
}
