/** What a process that measures one point of a curve is told. */
export interface GrowthJob {
  readonly work: 'connections' | 'retained' | 'fill a queue' | 'drain a queue'
  readonly size: number
  readonly port: number
  readonly protocolVersion: 4 | 5
  /** PEM; TLS where it is given. */
  readonly ca: string | undefined
  /** The broker's process. */
  readonly pid: number
}
