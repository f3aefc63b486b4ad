export { callDigest } from './digest.js'
export type { CommandFact, FactOptions, Facts, FileFact, Folders } from './facts/fact-types.js'
export { collectingFacts, collectingWords, factsOf } from './facts/facts.js'
export { type Leaf, type Leaves, leavesOf } from './facts/strings.js'
export {
  type Annotations,
  type Call,
  EFFECTS,
  type Effect,
  ROLES,
  type Role,
  type Words,
} from './model/call.js'
export { readScript } from './shell/script.js'
export type { ShellCommand, ShellScript } from './shell/shell-script.js'
export { fold } from './text/folding.js'
export { type SecretFact, secretsIn, withoutSecrets } from './text/secrets.js'
export { type SignalFact, signalsIn } from './text/signals.js'
export { ToolCatalogue } from './tools/catalogue.js'
export { type Tool, type Tools, toolName } from './tools/tool.js'
export { type Links, linksFrom } from './values/links.js'
export { readSql, type SqlFact } from './values/sql.js'
export { urlFact } from './values/url.js'
