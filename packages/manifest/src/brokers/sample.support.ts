import { COMPONENTS, type ComponentName } from '@jamey/contracts'
import type { Manifest, ManifestClient } from '../model/manifest.js'
import type { BrokerOptions } from './broker-files.js'

/** A client of the user's that proves itself by a certificate, with what else a test says. */
export function client(clientId: string, permissions: readonly string[], more: Partial<ManifestClient> = {}) {
  const sample: ManifestClient = {
    clientId,
    component: undefined,
    proofs: ['certificate'],
    permissions,
    limits: {},
    ...more,
  }
  return sample
}

/** Our components, and `others`. */
export function sampleManifest(...others: readonly ManifestClient[]): Manifest {
  const names = Object.keys(COMPONENTS) as ComponentName[]
  const components = names.map((component) => {
    const { clientId, permissions } = COMPONENTS[component]
    return client(clientId, permissions, { component, proofs: ['token', 'certificate'] })
  })
  return { clients: [...components, ...others] }
}

export const SAMPLE_OPTIONS: BrokerOptions = {
  folder: '/srv/broker',
  host: '127.0.0.1',
  port: 8883,
  tls: { ca: '/srv/certs/ca.crt', cert: '/srv/certs/server.crt', key: '/srv/certs/server.key' },
  isMutualTls: false,
  clientsBy: 'tokens',
  authorization: { url: 'http://127.0.0.1:8090', secret: undefined },
  tokenSecretFile: '/srv/token-secret',
}
