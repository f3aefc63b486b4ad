import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PUBLISH_IDENTIFIERS } from '../model/settings.js'
import { Fifo } from '../support/fifo.js'
import { InFlight } from './in-flight.js'
import { Publication } from './publication.js'

function publication(sequence: number): Publication {
  const made = new Publication('t', new Uint8Array(), 1, false, undefined)
  made.sequence = sequence
  return made
}

describe('messages in flight', () => {
  it('have distinct identifiers, are repeated in order, and keep the window, whatever happens [MQTT-2.2.1-3]', () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ kind: fc.constant('send' as const), skip: fc.nat(9000) }) },
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('acknowledge' as const), index: fc.nat(1000) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('reconnect' as const) }) },
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const inFlight = new InFlight()
        let model: Publication[] = []
        let sequence = 0
        for (const done of steps) {
          if (done.kind === 'send') {
            // Some sequence numbers are never sent: their messages were withdrawn.
            sequence += done.skip
            const isFree = model.every((other) => sequence - other.sequence < PUBLISH_IDENTIFIERS)
            expect(inFlight.hasRoomFor(publication(sequence))).toBe(isFree)
            if (!isFree) continue
            const next = publication(sequence++)
            inFlight.add(next)
            inFlight.sent()
            model.push(next)
          } else if (done.kind === 'acknowledge') {
            const one = model[done.index % Math.max(1, model.length)]
            if (one === undefined) continue
            expect(inFlight.get(one.packetIdentifier)).toBe(one)
            inFlight.acknowledged(one)
            model = model.filter((other) => other !== one)
          } else {
            inFlight.restart()
            const repeated: Publication[] = []
            for (let next = inFlight.nextToRepeat(); next !== undefined; next = inFlight.nextToRepeat()) {
              inFlight.sent()
              repeated.push(next)
            }
            expect(repeated).toEqual(model)
          }
          expect([inFlight.count, inFlight.onWire]).toEqual([model.length, model.length])
          expect(new Set(model.map((other) => other.packetIdentifier)).size).toBe(model.length)
          expect([...inFlight.all()]).toEqual(model)
        }
      }),
    )
  })
})

describe('a queue', () => {
  it('gives back what was put in, in order', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat())), (steps) => {
        const fifo = new Fifo<number>()
        const model: number[] = []
        for (const step of steps) {
          if (step === null) expect(fifo.shift()).toBe(model.shift())
          else {
            fifo.push(step)
            model.push(step)
          }
          expect([fifo.length, fifo.peek()]).toEqual([model.length, model[0]])
        }
      }),
    )
  })
})
