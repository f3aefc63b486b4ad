/** What one process of the fairness benchmark does until it is ended. */
export interface FairnessJob {
  readonly port: number
  readonly protocolVersion: 4 | 5
  readonly clientId: string
  readonly payloadBytes: number
  /** Messages on their way at most, of QoS 1 to itself; 0: of QoS 0, as fast as they are taken. */
  readonly inFlight: number
  /** How many others receive what it publishes. */
  readonly subscribers: number
}

/** What it has received until now, itself. */
export interface FairnessCount {
  readonly received: number
}
