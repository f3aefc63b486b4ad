import { createAuthority, issueServerCertificate, tokenAuthenticator } from '@jamey/auth'
import { type Broker, createBroker } from '@jamey/broker'
import { type Bus, type BusConfig, connectBus } from '@jamey/bus'

export const SECRET = 'a secret of at least thirty-two bytes, for tests only'

/** A broker of its own on this machine: TLS, tokens, and stamps that tell who sent a message. */
export class TestBroker {
  /** The certificate of its authority, in PEM. */
  readonly ca: string
  readonly #broker: Broker

  private constructor(broker: Broker, ca: string) {
    this.#broker = broker
    this.ca = ca
  }

  static async start(): Promise<TestBroker> {
    const authority = await createAuthority()
    const { certPem: cert, keyPem: key } = await issueServerCertificate(authority, { hosts: ['localhost'] })
    const broker = await createBroker({
      listeners: [{ host: 'localhost', port: 0, tls: { cert, key } }],
      authenticator: tokenAuthenticator({ secret: SECRET }),
      stampSenders: ['jamey/#'],
    })
    await broker.listen()
    return new TestBroker(broker, authority.certPem)
  }

  get port(): number {
    return this.#broker.addresses[0]?.port ?? 0
  }

  /** Whoever asked for the bus closes it. */
  connect(
    clientId: string,
    permissions: readonly string[],
    component?: BusConfig['component'],
  ): Promise<Bus> {
    return connectBus({
      url: `mqtts://localhost:${this.port}`,
      clientId,
      permissions,
      jwtSecret: SECRET,
      tls: { ca: this.ca },
      component,
    })
  }

  close(): Promise<void> {
    return this.#broker.close()
  }
}
