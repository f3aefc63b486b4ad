import { parseArgs } from 'node:util'
import type { ForeignIdentifier } from './broker-under-test.js'
import { BROKERS } from './catalogue.js'
import { SCENES } from './suite.js'

export const USAGE = `usage: npm run test:brokers -- [options]
  --broker NAME    one of ${Object.keys(BROKERS).join(', ')}; again for another one; all that are installed
  --scene KEY      one of ${SCENES.map(({ key }) => key).join(', ')}; again for another one; all
  --short          a minute for all of them, as before each change of main
  --write          keep the results in tests/brokers/results.json, and make docs/brokers.md of them
  --url URL        a broker that runs already, made ready by what --files says; mqtts://host:port
  --name NAME      what that broker is called in the table; with --url
  --files FOLDER   with --url: ca.crt, and NAME.crt and NAME.key of each client of the suite
  --secret FILE    with --url: the token secret, where the broker knows clients by their tokens
  --version 4|5    with --url: of MQTT; 5
  --set NAME=VALUE with --url: a variable that every client is given; again for another one
  --access TEXT    with --url: how it knows its clients, for the table
  --identifier BRINGS  with --url: what is known to come of the client identifier of another: nothing, connection, session
  --command LINE   with --url: what starts it here, in the foreground; it is then ended and killed, too
`

export interface Arguments {
  readonly brokers: readonly string[]
  readonly scenes: readonly string[]
  readonly isShort: boolean
  readonly writes: boolean
  readonly remote: RemoteArguments | undefined
}

export interface RemoteArguments {
  readonly url: string
  readonly name: string
  readonly files: string
  readonly secretFile: string | undefined
  readonly protocolVersion: 4 | 5
  readonly variables: Readonly<Record<string, string>>
  readonly access: string | undefined
  readonly foreignIdentifier: ForeignIdentifier
  /** For a shell. */
  readonly command: string | undefined
}

const IDENTIFIERS = ['nothing', 'connection', 'session'] as const satisfies readonly ForeignIdentifier[]

/** Throws an error that says what is wrong with them. */
export function readArguments(args: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      broker: { type: 'string', multiple: true, default: [] },
      scene: { type: 'string', multiple: true, default: [] },
      short: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      url: { type: 'string' },
      name: { type: 'string' },
      files: { type: 'string' },
      secret: { type: 'string' },
      version: { type: 'string', default: '5' },
      set: { type: 'string', multiple: true, default: [] },
      access: { type: 'string' },
      identifier: { type: 'string', default: 'nothing' },
      command: { type: 'string' },
    },
  })
  const { broker, scene, url, name = 'another broker', files, secret, version, identifier } = values
  assertKnown('--broker', broker, Object.keys(BROKERS))
  assertKnown(
    '--scene',
    scene,
    SCENES.map(({ key }) => key),
  )
  assertKnown('--version', [version], ['4', '5'])
  assertKnown('--identifier', [identifier], IDENTIFIERS)
  if (url !== undefined && files === undefined) throw new Error('--url needs --files')
  if (url === undefined && (files ?? secret ?? values.name) !== undefined) throw new Error('--url is missing')
  const remote = url === undefined || files === undefined ? undefined : { url, name, files }
  return {
    brokers: broker,
    scenes: scene,
    isShort: values.short,
    writes: values.write,
    remote: remote && {
      ...remote,
      secretFile: secret,
      protocolVersion: version === '4' ? 4 : 5,
      variables: variablesOf(values.set),
      access: values.access,
      foreignIdentifier: identifier as ForeignIdentifier,
      command: values.command,
    },
  }
}

function variablesOf(settings: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    settings.map((text) => {
      const [, name, value] = /^([A-Z][A-Z0-9_]*)=(.*)$/s.exec(text) ?? []
      if (name === undefined || value === undefined) {
        throw new Error(`--set: found '${text}', expected NAME=VALUE`)
      }
      return [name, value]
    }),
  )
}

function assertKnown(option: string, given: readonly string[], known: readonly string[]): void {
  const wrong = given.find((one) => !known.includes(one))
  if (wrong !== undefined) throw new Error(`${option}: found '${wrong}', expected one of ${known.join(', ')}`)
}
