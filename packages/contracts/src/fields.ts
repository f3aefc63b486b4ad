import { z } from 'zod'

/** A moment in ISO 8601 with a time zone: `2024-11-14T20:00:00Z` or `2024-11-14T21:00:00.000+01:00`. */
export const isoTime = z.iso.datetime({ offset: true })

/** A JSON object whose members are the sender's own affair. */
export const jsonObject = z.record(z.string(), z.unknown())
