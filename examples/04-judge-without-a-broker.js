// The conscience's policy as a plain function: no broker, no network.
import { judgeCall, loadPolicy } from '@jamey/conscience'

const policy = loadPolicy()
const judge = (tool, args) => {
  const { decision, rules } = judgeCall(policy, { tool, arguments: args })
  console.log(`${decision}: ${tool} [${rules.map((rule) => rule.name).join(', ')}]`)
}

judge('read_file', { path: 'README.md' })
judge('Bash', { command: 'npm test && rm -rf /' })
judge('frobnicate', {})

// prints:
// allow: read_file [ordinary-work]
// deny: Bash [write-elsewhere, delete-system]
// ask: frobnicate [unknown-tool]
