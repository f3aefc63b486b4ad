import { createPrivateKey, X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import { BlockList, isIP } from 'node:net'
import { dirname, resolve } from 'node:path'
import { DEFAULT_BROKER_PORT } from '../support/host-address.js'
// Unless it was loaded before, X509Certificate of Node 20 leaves it without createSecureContext for good.
import 'node:tls'
import {
  LiveKeySet,
  MINIMUM_SECRET_BYTES,
  OwnershipError,
  PERMISSION_FORM,
  Permissions,
  readKeySetFile,
  readOwnFile,
  readTokenSecretsFile,
} from '@jamey/auth'
import {
  type CloseOptions,
  LIMIT_RANGES,
  LISTENER_LIMITS,
  type Limits,
  type ListenerOptions,
} from '@jamey/broker'
import type { ConfigurationFault } from '@jamey/bus'
import { type Manifest, ManifestError, readManifestFileAside } from '@jamey/manifest'
import { isTopicFilter, type QoS } from '@jamey/protocol'
import { z } from 'zod'
import { LOG_LEVELS } from '../terminal/log-level.js'
import {
  DEFAULT_BROKER_HOST,
  DEFAULT_GRACE_MS,
  DEFAULT_REFUSE_WHEN_FULL,
  DEFAULT_STAMP_SENDERS,
} from './defaults.js'
import { kindOf, type Layers } from './settings-layers.js'
import { type SettingPath, waysTo } from './settings-table.js'

const MAXIMUM_FILE_BYTES = 4 * 1024 * 1024
const MAXIMUM_GRACE_MS = 600_000
const NAME = 'a client identifier, in which * stands for any characters'
const CRLS = 'the path of a CRL in PEM or DER, or a list of them'
const NAMES = 'a list of one client identifier or more'

type Context = z.core.$RefinementCtx<string>

/** The whole file; relative paths begin in `folder`. What it gives has the files' contents in place of their paths. */
export function brokerSchema(folder: string) {
  return fields({
    listeners: z
      .array(listener(folder), { error: 'a list of listeners' })
      .min(1, { error: 'at least one listener' }),
    store: text('the path of a folder, or none').transform((path) =>
      path === 'none' ? path : resolve(folder, path),
    ),
    authentication: fields({
      method: oneOf(['token', 'certificate', 'none']).default('token'),
      tokenSecretFile: secretFile(folder).optional(),
      tokenSecret: secret().optional(),
      jwksFile: keySetFile(folder).optional(),
      jwksUrl: keySetUrl().optional(),
      jwksCa: file(
        folder,
        'who vouches for the server at jwksUrl',
        (pem) => new X509Certificate(pem),
      ).optional(),
      audience: names('an audience, or a list of them'),
      issuers: names('an issuer, or a list of them'),
      certificateRequiredFor: z.array(text(NAME), { error: 'a list of client identifiers' }).optional(),
    }).default({ method: 'token' }),
    refused: z.array(text(NAME), { error: 'a list of client identifiers' }).default([]),
    deniedFile: text('the path of a deny list')
      .transform((path) => resolve(folder, path))
      .optional(),
    crlFiles: z
      .preprocess(
        (value) => (typeof value === 'string' ? [value] : value),
        z.array(text(CRLS), { error: CRLS }).optional(),
      )
      .transform((paths = []) => paths.map((path) => resolve(folder, path))),
    permissions: z
      .array(
        fields({
          clients: z.array(text(NAME), { error: NAMES }).min(1, { error: NAMES }),
          allow: z.array(permission(), { error: 'a list of permissions' }),
        }),
        { error: 'a list of { clients, allow }' },
      )
      .optional(),
    manifest: manifest(folder).optional(),
    limits: limits(Object.keys(LIMIT_RANGES) as (keyof Limits)[]).default({}),
    overflow: oneOf(['drop-newest', 'drop-oldest', 'disconnect', 'refuse']).optional(),
    sharedSubscriptions: oneOf(['in-turn', 'by-publisher', 'unavailable']).optional(),
    maximumQos: whole('a QoS', 0, 2).pipe(z.custom<QoS>()).optional(),
    retainAvailable: z.boolean({ error: 'true or false' }).optional(),
    stampSenders: z
      .array(publishedFilter(), { error: 'a list of topic filters' })
      .default([...DEFAULT_STAMP_SENDERS]),
    refuseWhenFull: z
      .array(publishedFilter(), { error: 'a list of topic filters' })
      .default([...DEFAULT_REFUSE_WHEN_FULL]),
    logLevel: oneOf(LOG_LEVELS).optional(),
    shutdown: fields({
      graceMs: whole('milliseconds', 0, MAXIMUM_GRACE_MS).default(DEFAULT_GRACE_MS),
      serverReference: text('the host and port of another server').optional(),
      reason: oneOf(['shutting-down', 'use-another-server', 'server-moved']).optional(),
    })
      .default({ graceMs: DEFAULT_GRACE_MS })
      .transform(closeOptions),
  })
}

function listener(folder: string) {
  return fields({
    host: text('an address to listen on').default(DEFAULT_BROKER_HOST),
    port: whole('a port', 0, 65_535).default(DEFAULT_BROKER_PORT),
    insecure: z.boolean({ error: 'true or false' }).optional(),
    tls: fields({
      cert: file(folder, "the server's certificate", (pem) => new X509Certificate(pem)),
      key: file(folder, "the server's private key", (pem) => createPrivateKey(pem), { isSecret: true }),
      ca: file(folder, "the clients' authority", (pem) => new X509Certificate(pem)).optional(),
      clientCertificate: oneOf(['none', 'optional', 'required']).optional(),
    })
      .superRefine(expectPair)
      .optional(),
    webSocket: switchable(
      fields({
        path: matching(/^\/[^?#\s]*$/, 'a path such as /mqtt').optional(),
        origins: z
          .union([z.literal('*'), z.array(z.string())], {
            error: 'a list of origins such as https://app.example, or *',
          })
          .optional(),
        hosts: z
          .array(text('a host name or address, without port'), {
            error: 'a list of host names and addresses',
          })
          .optional(),
      }),
    ),
    proxyProtocol: switchable(
      fields({ trusted: z.array(network(), { error: 'a list of addresses and networks' }).optional() }),
    ),
    limits: limits(LISTENER_LIMITS).optional(),
  }).transform(({ tls, ...rest }): ListenerOptions => {
    if (tls === undefined) return rest
    const { clientCertificate = tls.ca === undefined ? 'none' : 'optional', ...pem } = tls
    const asked = {
      requestClientCertificate: clientCertificate !== 'none',
      requireClientCertificate: clientCertificate === 'required',
    }
    return { ...rest, tls: { ...pem, ...asked } }
  })
}

function closeOptions(given: {
  graceMs: number
  serverReference?: string | undefined
  reason?: 'shutting-down' | 'use-another-server' | 'server-moved' | undefined
}): CloseOptions & { readonly graceMs: number } {
  const { graceMs, serverReference, reason } = given
  const codes = { 'shutting-down': 0x8b, 'use-another-server': 0x9c, 'server-moved': 0x9d } as const
  return { graceMs, serverReference, reasonCode: reason && codes[reason] }
}

function limits(names: readonly (keyof Limits)[]) {
  const shape = names.map((name) => [name, whole('a limit', ...LIMIT_RANGES[name]).optional()] as const)
  return fields(Object.fromEntries(shape)) as z.ZodType<Partial<Limits>, Partial<Limits>>
}

/** A mapping of these fields and no others. */
function fields<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const names = Object.keys(shape).filter((name) => name !== 'tokenSecret')
  const known = `one of ${names.join(', ')}`
  return z.strictObject(shape, {
    error: ({ code }) => (code === 'unrecognized_keys' ? known : `a mapping of ${names.join(', ')}`),
  })
}

/** `true` takes the defaults of what it switches on, `false` is like nothing. */
function switchable<Schema extends z.ZodType>(schema: Schema) {
  const unfold = (value: unknown): unknown => (value === true ? {} : value === false ? undefined : value)
  return z.preprocess(unfold, schema.optional()).optional()
}

function text(expected: string) {
  return z.string({ error: expected }).min(1, { error: expected })
}

function matching(pattern: RegExp, expected: string) {
  return z.string({ error: expected }).regex(pattern, { error: expected })
}

function oneOf<const Values extends readonly string[]>(values: Values) {
  return z.enum(values, { error: `one of ${values.join(', ')}` })
}

function whole(what: string, least: number, most: number) {
  const isWithin = (value: unknown): boolean =>
    Number.isInteger(value) && Number(value) >= least && Number(value) <= most
  return z.custom<number>(isWithin, { error: `${what}: a whole number from ${least} to ${most}` })
}

function permission() {
  const expected = PERMISSION_FORM
  return z.string({ error: expected }).refine(
    (entry) => {
      try {
        return new Permissions([entry], { clientId: 'x' }).list.length === 1
      } catch {
        return false
      }
    },
    { error: expected },
  )
}

function manifest(folder: string) {
  return text('the path of a manifest (permissions.yaml)').transform(
    async (given, context): Promise<Manifest> => {
      try {
        return await readManifestFileAside(resolve(folder, given), given)
      } catch (error) {
        if (!(error instanceof ManifestError)) throw error
        for (const { fileName, line, column, field, found, expected } of error.faults) {
          const where = `${fileName}:${line}:${column}${field === '' ? '' : `: ${field}`}`
          context.addIssue({ code: 'custom', message: expected, params: { found, where } })
        }
        return z.NEVER
      }
    },
  )
}

function publishedFilter() {
  const expected = 'a topic filter, not shared, and none under $SYS'
  const isOne = (filter: string): boolean => isTopicFilter(filter) && !/^\$(share|SYS)\//.test(filter)
  return z.string({ error: expected }).refine(isOne, { error: expected })
}

function network() {
  return z.string({ error: 'an address or a network such as 10.0.0.0/8' }).refine(
    (entry) => {
      const [address = '', bits] = entry.split('/')
      const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
      if (isIP(address) === 0 || bits === undefined) return isIP(address) !== 0
      try {
        new BlockList().addSubnet(address, /^\d+$/.test(bits) ? Number(bits) : -1, family)
        return true
      } catch {
        return false
      }
    },
    { error: 'an address or a network such as 10.0.0.0/8' },
  )
}

/** The content of a PEM file that `read` can read. */
function file(folder: string, what: string, read: (pem: string) => unknown, { isSecret = false } = {}) {
  const expected = `the path of ${what} in PEM`
  return text(expected).transform((given, context) => {
    const path = resolve(folder, given)
    try {
      const options = { maximumBytes: MAXIMUM_FILE_BYTES }
      const pem = readOwnFile(path, options)
      read(pem)
      if (isSecret) readOwnFile(path, { ...options, isSecret })
      return pem
    } catch (error) {
      if (error instanceof OwnershipError) return refuse(context, expected, error.message)
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EFBIG') return refuse(context, expected, `${shown(given)}, which is far too large`)
      const isSystem = code !== undefined && !code.startsWith('ERR_')
      const why = isSystem ? `which cannot be read (${code})` : 'which holds something else, or is encrypted'
      return refuse(context, expected, `${shown(given)}, ${why}`)
    }
  })
}

function expectPair({ cert, key }: { cert: string; key: string }, context: z.core.$RefinementCtx): void {
  if (new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) return
  const params = { found: 'the key of another one' }
  context.addIssue({ code: 'custom', path: ['key'], message: 'the private key of the certificate', params })
}

function secretFile(folder: string) {
  const expected = `a file of mode 0600 with the secret that signs tokens, at least ${MINIMUM_SECRET_BYTES} bytes a line`
  return text(expected).transform(async (given, context) => {
    const path = resolve(folder, given)
    try {
      return await readTokenSecretsFile(path)
    } catch (error) {
      const isSecret = /^[\w+/=-]{32,}$/.test(given) && (!given.includes('/') || !existsSync(dirname(path)))
      const found = isSecret
        ? `${given.length} characters that name no file (not shown)`
        : (error as Error).message
      return refuse(context, expected, found)
    }
  })
}

function keySetFile(folder: string) {
  const expected = 'a file with a JSON Web Key Set of public keys'
  return text(expected).transform(async (given, context) => {
    try {
      return await readKeySetFile(resolve(folder, given))
    } catch (error) {
      return refuse(context, expected, (error as Error).message)
    }
  })
}

function keySetUrl() {
  const expected = 'where a JSON Web Key Set is published: https://... (http:// of this machine alone)'
  return text(expected).transform((given, context) => {
    try {
      new LiveKeySet({ url: given })
      return given
    } catch (error) {
      // The URL itself may hold a password.
      return refuse(context, expected, (error as Error).message)
    }
  })
}

/** One text or several. */
function names(expected: string) {
  const several = z.array(text(expected), { error: expected }).min(1, { error: expected })
  return z.preprocess((value) => (typeof value === 'string' ? [value] : value), several.optional())
}

function secret() {
  const expected = `the secret that signs tokens, at least ${MINIMUM_SECRET_BYTES} bytes (or MQTT_JWT_SECRET_FILE)`
  return z.string().transform((given, context) => {
    const bytes = Buffer.byteLength(given)
    // The length is told, the secret never.
    return bytes >= MINIMUM_SECRET_BYTES ? given : refuse(context, expected, `${bytes} bytes`)
  })
}

function refuse(context: Context, message: string, found: string): never {
  context.addIssue({ code: 'custom', message, params: { found } })
  return z.NEVER
}

/** The faults that zod found, by the names of whatever said the values. */
export function faultsOf(error: z.ZodError | undefined, layers: Layers): ConfigurationFault[] {
  return (error?.issues ?? []).flatMap((issue) => {
    const path = issue.path as SettingPath
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        variable: layers.nameOf([...path, key]),
        found: 'an unknown field',
        expected: issue.message,
      }))
    }
    const found = (issue.code === 'custom' && issue.params?.['found']) || shown(issue.input)
    const where = issue.code === 'custom' ? issue.params?.['where'] : undefined
    return [
      {
        variable: layers.nameOf(path) + (where === undefined ? '' : `: ${where}`),
        found: String(found),
        expected: issue.message + waysTo(path, issue.input),
      },
    ]
  })
}

function shown(value: unknown): string {
  if (typeof value !== 'string') return kindOf(value)
  if (value.includes('-----BEGIN')) return 'PEM text (not shown)'
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}...` : value)
}
