export { type HostProcess, main } from './command-line.js'
export { EXIT, EXIT_CODES, type ExitCode, type ExitCodeRow } from './exit-codes.js'
