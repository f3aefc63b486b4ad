export {
  type Conscience,
  type ConscienceBus,
  type ConscienceOptions,
  type ConscienceStats,
  createConscience,
} from './conscience.js'
export { type ConscienceEnvironment, conscienceOptionsFromEnvironment } from './conscience-environment.js'
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
export { Judge, type JudgeAnswer, type JudgeOptions } from './judge.js'
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
export { type RunConscienceOptions, type RunningConscience, runConscience } from './run-conscience.js'
