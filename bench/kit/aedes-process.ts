import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { Aedes } from 'aedes'
import type { BrokerJob } from './brokers.js'
import { takeJob, tell } from './role.js'

/** Aedes as its documentation starts it, alone in its process. */

const { certificates } = await takeJob<BrokerJob>()
const aedes = await Aedes.createBroker()
const onConnection = (socket: Socket): void => {
  socket.setNoDelay(true)
  aedes.handle(socket)
}
const server =
  certificates === undefined
    ? createServer(onConnection)
    : createTlsServer({ ...certificates, minVersion: 'TLSv1.3' }, onConnection)
server.listen(0, '127.0.0.1', () => void tell({ port: (server.address() as AddressInfo).port }))
