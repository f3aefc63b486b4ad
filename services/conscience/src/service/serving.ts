/**
 * Requests of one sender that are taken at once: those beyond could not be answered within the time that anybody waits,
 * and are sent again.
 */
export const SERVING = { maximumPerSender: 1_000, whenRefused: 'retry' } as const
