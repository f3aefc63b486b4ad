import { COMPONENTS, topics } from '@jamey/contracts'
import { pino } from 'pino'
import { expect, it } from 'vitest'
import type { GatewayBus } from '../api/gateway-bus.js'
import { ReceiptKeys } from './receipt-keys.js'

type Handler = (message: { sender: { clientId: string; isVerified: boolean }; data: object }) => void

it('are those of consciences alone, whoever else may publish there [promise 41]', async () => {
  let handle: Handler = () => {}
  const bus = {
    state: 'connected',
    onState: () => () => {},
    subscribe: async (contract: unknown, handler: Handler) => {
      expect(contract).toBe(topics.conscience.keys)
      handle = handler
    },
  }
  const keys = new ReceiptKeys(bus as unknown as GatewayBus, pino({ level: 'silent' }), [
    COMPONENTS.conscience.clientId,
    'jamey-conscience-2',
  ])
  keys.start()
  const tell = (clientId: string, isVerified: boolean, kid: string): void =>
    handle({
      sender: { clientId, isVerified },
      data: { keys: [{ kty: 'OKP', crv: 'Ed25519', x: 'x', kid }] },
    })
  tell('jamey-operator', true, 'foreign')
  tell('jamey-conscience', false, 'claimed')
  tell('jamey-conscience', true, 'former')
  tell('jamey-conscience', true, 'own')
  tell('jamey-conscience-2', true, 'second')
  expect(keys.jwks.keys.map(({ kid }) => kid)).toEqual(['own', 'second'])
})
