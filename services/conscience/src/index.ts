export {
  applyRules,
  type EvaluationOptions,
  evaluate,
  type Finding,
  type Judgement,
  OPINION_WEIGHT,
  type Opinion,
  type Proposal,
  weigh,
} from './engine.js'
export {
  DEFAULT_RULES_FILE,
  type Effect,
  loadRules,
  parseRules,
  type Rule,
  type RuleFault,
  RuleFileError,
  type RuleSet,
} from './rule-file.js'
