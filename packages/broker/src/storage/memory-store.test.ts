import { testBrokerStore } from '../ports/broker-store.contract.js'
import { MemoryBrokerStore } from './memory-store.js'

testBrokerStore('MemoryBrokerStore', () => {
  const store = new MemoryBrokerStore()
  return { open: () => store }
})
