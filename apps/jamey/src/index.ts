export { type HostProcess, main } from './program/command-line.js'
export { EXIT, EXIT_CODES, type ExitCode, type ExitCodeRow } from './support/exit-codes.js'
