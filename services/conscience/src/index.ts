export { linksFrom } from '@jamey/calls'
export type { Decision } from '@jamey/contracts'
export { AuditError, AuditLog, type AuditLogOptions } from './audit/audit-log.js'
export { type AuditLook, lookAtAudit } from './audit/audit-look.js'
export { type FoundAuditLine, readAudit } from './audit/audit-reader.js'
export type { AuditEntry, AuditHead, AuditRecord, ReadAuditLine } from './audit/audit-record.js'
export { type AuditFault, type AuditVerification, verifyAudit } from './audit/audit-verification.js'
export {
  type CallVerdict,
  judgeCall,
  judgedCall,
  judgeWords,
  type Policy,
  type Provenance,
  type Surroundings,
} from './policy/policy.js'
export {
  type FailedPolicyCase,
  type PolicyCase,
  type PolicyCases,
  type PolicyDifference,
  type PolicyTest,
  parsePolicyCases,
  policyDifferences,
  testPolicy,
} from './policy/policy-cases.js'
export { type RuleFault, RuleFileError } from './policy/policy-errors.js'
export {
  DEFAULT_POLICY_FILE,
  loadPolicy,
  type PolicyPlace,
  parsePolicy,
  supposing,
} from './policy/policy-file.js'
export type { Supposed } from './policy/policy-schema.js'
export {
  type Conscience,
  type ConscienceOptions,
  type ConscienceStats,
  createConscience,
} from './service/conscience.js'
export type { ConscienceBus } from './service/conscience-bus.js'
export {
  type ConscienceEnvironment,
  conscienceOptionsFromEnvironment,
} from './service/conscience-environment.js'
export {
  RECORD_FORMATS,
  type RunConscienceOptions,
  type RunningConscience,
  runConscience,
} from './service/run-conscience.js'
export {
  type CallResult,
  type JudgedCall,
  type Origin,
  Session,
  type SessionCall,
} from './session/session.js'
export { Judge, type JudgeAnswer, type JudgeOptions } from './verdict/judge.js'
