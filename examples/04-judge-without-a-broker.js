// The conscience's rules as a plain function: no broker, no network.
import { evaluate, loadRules } from '@jamey/conscience'

const rules = await loadRules()
const judge = (action, context = {}) => {
  const { decision, rules: applied } = evaluate(rules, { action, context })
  console.log(`${decision}: ${action} [${applied.map((rule) => rule.name).join(', ')}]`)
}

judge('summarise the meeting notes')
judge("delete the customer's records", { consent: false })
judge('flibber the jabberwock')

// prints:
// approved: summarise the meeting notes [everyday]
// forbidden: delete the customer's records [consent, ask-before-destroying]
// unrecognised: flibber the jabberwock []
