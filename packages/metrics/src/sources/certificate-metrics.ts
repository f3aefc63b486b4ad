import type { MetricDefinition } from '../model/metrics.js'

export interface CertificateEnd {
  /** The name of its file. */
  readonly name: string
  /** Moment of its end, milliseconds since 1970. */
  readonly validToMs: number
}

/** When each certificate of a process ends; `ends` reads them when somebody asks. */
export function certificateMetrics(ends: () => Iterable<CertificateEnd>): MetricDefinition[] {
  return [
    {
      name: 'jamey_certificate_end_timestamp_seconds',
      type: 'gauge',
      help: 'When a certificate ends, in seconds since 1970.',
      read: () =>
        [...ends()].map(({ name, validToMs }) => ({
          labels: { certificate: name },
          value: validToMs / 1000,
        })),
    },
  ]
}
