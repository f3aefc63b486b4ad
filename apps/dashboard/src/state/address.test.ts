import { expect, it } from 'vitest'
import { hrefOf, parseRoute } from './address.js'

it('an address leads where it says, whatever stands in it', () => {
  const { view, item, query } = parseRoute(hrefOf('clients', 'a/b #?%', { filter: 'jamey/#' }))
  expect([view, item, query.get('filter')]).toEqual(['clients', 'a/b #?%', 'jamey/#'])
})

it('the overview is where no view is named', () => {
  expect(['', '#', '#/'].map((hash) => parseRoute(hash).view)).toEqual(['overview', 'overview', 'overview'])
})

it('an address that cannot be decoded is taken as it is', () => {
  expect(parseRoute('#/clients/%E0%A4%A').item).toBe('%E0%A4%A')
})
