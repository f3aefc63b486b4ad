import { covers, isTopicName } from '@jamey/protocol'
import { PERMISSION_CASES, type PermissionCase } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import type { Manifest } from '../model/manifest.js'
import { BrokerFilesError, type BrokerOptions } from './broker-files.js'
import { rulesOf } from './client-rules.js'
import { mosquittoFiles } from './mosquitto.js'
import { client, SAMPLE_OPTIONS, sampleManifest } from './sample.support.js'

const BY_CERTIFICATES: BrokerOptions = { ...SAMPLE_OPTIONS, clientsBy: 'certificates', isMutualTls: true }

function textOf(path: string, manifest: Manifest, options: BrokerOptions): string {
  const { files } = mosquittoFiles(manifest, options)
  return files.find((file) => file.path === path)?.text ?? ''
}

const accessList = (clientId: string, permissions: readonly string[]): string =>
  textOf('jamey.acl', { clients: [client(clientId, permissions)] }, BY_CERTIFICATES)

/** As Mosquitto reads the list: the lines of the user alone, since it has no others. */
function grants(list: string, right: 'read' | 'write', topic: string): boolean {
  const filters = [...list.matchAll(/^topic (read|write) (.*)$/gm)].filter(([, word]) => word === right)
  return filters.some(([, , filter = '']) => covers(filter, topic))
}

/** Undefined where Mosquitto has no line for a permission. */
function isGranted({ clientId, permissions, action, topic }: PermissionCase): boolean | undefined {
  try {
    return grants(accessList(clientId, permissions), action === 'publish' ? 'write' : 'read', topic)
  } catch (error) {
    if (error instanceof BrokerFilesError) return undefined
    throw error
  }
}

const cases = PERMISSION_CASES.filter(
  ({ action, topic }) =>
    (action === 'publish' || action === 'receive') && isTopicName(topic) && !topic.startsWith('$share/'),
)

describe('the access list of Mosquitto', () => {
  it.each(cases.filter(({ isAllowed }) => !isAllowed))('has nothing that is not allowed: $name', (each) => {
    expect(isGranted(each)).not.toBe(true)
  })

  it('has the rest, but where a permission selects what belongs to others', () => {
    const missing = cases.filter((each) => each.isAllowed && isGranted(each) !== true)
    const beyond = missing.filter(({ clientId, permissions }) => {
      const { reachesInboxes, reachesStatuses } = rulesOf(client(clientId, permissions))
      return !reachesInboxes && !reachesStatuses
    })
    expect(beyond.map(({ name }) => name)).toEqual([])
    expect(missing.length).toBeLessThan(cases.length / 5)
  })

  it('is the lines of each client, and none for everybody', () => {
    const manifest = {
      clients: [client('eva', ['publish:lab/%c/out', 'subscribe:$share/lab/jobs/#', 'jamey/x'])],
    }
    expect(textOf('jamey.acl', manifest, BY_CERTIFICATES)).toBe(`user eva
topic read jamey/api/responses/eva/#
topic read jamey/x
topic read jobs/#
topic write jamey/events/status/eva
topic write jamey/x
topic write jamey/x/eva
topic write lab/eva/out
`)
    expect(textOf('jamey.acl', sampleManifest(), BY_CERTIFICATES)).not.toContain('pattern')
  })

  it.each([
    ['eva', 'lab/\n topic', 'has a control character'],
    ['eva', 'lab/\u0085x', 'has a control character'],
    ['eva ', 'lab/x', 'begins or ends with white space'],
    [' eva', 'lab/x', 'begins or ends with white space'],
    ['eva', Array.from({ length: 201 }, () => 'x').join('/'), 'has more than 200 levels'],
  ])('is not made for %j with %j, and the error says why', (clientId, permission, fault) => {
    expect(() => accessList(clientId, [permission])).toThrow(BrokerFilesError)
    expect(() => accessList(clientId, [permission])).toThrow(fault)
  })
})

describe('the files of Mosquitto', () => {
  it.each([SAMPLE_OPTIONS, BY_CERTIFICATES])(
    'are the same each time, and let nobody in without a proof',
    (options) => {
      const made = mosquittoFiles(sampleManifest(), options)
      expect(mosquittoFiles(sampleManifest(), options)).toEqual(made)
      const config = textOf('mosquitto.conf', sampleManifest(), options)
      expect(config).toContain('allow_anonymous false\n')
      expect(config).toContain('per_listener_settings false\n')
      expect(config).toContain('tls_version tlsv1.3\n')
      expect(config.match(/^listener /gm)).toHaveLength(1)
      expect(config).toContain('listener 8883 127.0.0.1\n')
    },
  )

  it('have the plugin decide by tokens, with certificates beside them where these are asked for', () => {
    const config = textOf('mosquitto.conf', sampleManifest(), SAMPLE_OPTIONS)
    expect(config).toContain('plugin_opt_token_secret_file /srv/token-secret\n')
    expect(config).toContain('require_certificate false\n')
    // With this Mosquitto asks no plugin.
    expect(config).not.toContain('use_identity_as_username')
    expect(mosquittoFiles(sampleManifest(), SAMPLE_OPTIONS).files).toHaveLength(1)
    const both = textOf('mosquitto.conf', sampleManifest(), { ...SAMPLE_OPTIONS, isMutualTls: true })
    expect(both).toContain('require_certificate true\n')
  })

  it('take the client identifier from the certificate, where certificates decide', () => {
    const config = textOf('mosquitto.conf', sampleManifest(), { ...BY_CERTIFICATES, isMutualTls: false })
    expect(config).toContain('require_certificate true\n')
    expect(config).toContain('use_identity_as_username true\nuse_username_as_clientid true\n')
    expect(config).toContain('acl_file /srv/broker/jamey.acl\n')
  })

  it('are not made without a token secret, or with a path that Mosquitto would cut', () => {
    const without = { ...SAMPLE_OPTIONS, tokenSecretFile: undefined }
    expect(() => mosquittoFiles(sampleManifest(), without)).toThrow('the token secret is missing')
    const cut = { ...SAMPLE_OPTIONS, folder: '/srv/broker ' }
    expect(() => mosquittoFiles(sampleManifest(), cut)).toThrow(
      'the path of folder "/srv/broker " begins or ends',
    )
  })

  it('tell what they do not hold, and name whom that touches', () => {
    const limited = client('robot-7', [], { proofs: ['token'], limits: { publishesPerSecond: 5 } })
    const notes = mosquittoFiles(sampleManifest(limited), BY_CERTIFICATES).notes.join('\n')
    expect(notes).toContain('know no share groups')
    expect(notes).toContain('nothing ends with them')
    expect(notes).toMatch(/jamey\/#, stand here as the parts .*: "jamey-operator"/)
    expect(notes).toContain('the manifest has another proof for "robot-7".')
    const byTokens = mosquittoFiles(sampleManifest(), SAMPLE_OPTIONS).notes.join('\n')
    expect(byTokens).toContain('MQTT_SERVER_STAMPS=jamey/#')
    expect(byTokens).not.toContain('share groups')
  })
})
