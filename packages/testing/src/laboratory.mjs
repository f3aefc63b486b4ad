import { z } from 'zod'

/** Contracts of a user's, as a module of one's own has them, wherever in its exports: one that is told, one that is asked. */

export const readings = {
  topic: 'lab/{station}/readings',
  action: 'reading',
  qos: 0,
  retain: true,
  schema: z.object({ celsius: z.number(), taken_at: z.iso.datetime() }),
  description: 'What a thermometer shows.',
}

export const others = {
  calibrate: [
    {
      topic: 'lab/calibrate',
      action: 'calibrate',
      qos: 1,
      retain: false,
      schema: z.strictObject({ station: z.string() }),
      responseSchema: z.object({ offset: z.number() }),
      service: 'lab',
      description: 'Has a thermometer calibrated.',
    },
  ],
}
