import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { replaceFile } from '../install/atomic-file.js'
import { EXIT } from '../support/exit-codes.js'
import { CommandFailure } from '../support/failure.js'

/** The form of the manifest and of the folder around it. */
export const BACKUP_FORMAT = 1
const MANIFEST_FILE = 'manifest.json'
/** Of a hundred thousand files or so. */
const MAXIMUM_BYTES = 32 * 1024 * 1024
/** The data directory as it will be, below the folder of the backup. */
export const FILES_FOLDER = 'files'

/** No way out of the folder, and no name that a system reads otherwise. */
const relativePath = z
  .string()
  .max(4096)
  .refine(
    (path) => path.split('/').every((name) => !['', '.', '..'].includes(name) && !/[\\\0]/.test(name)),
    {
      message: 'expected a path within the data directory',
    },
  )
const sha256 = z.string().regex(/^[0-9a-f]{64}$/)

const manifestSchema = z.strictObject({
  format: z.literal(BACKUP_FORMAT),
  /** The version of Jamey that made it. */
  made_by: z.string(),
  /** The moment that it shows. */
  made_at: z.iso.datetime(),
  /** For how long nobody could write, milliseconds. */
  held_ms: z.number().nonnegative(),
  data_directory: z.string(),
  /** Secrets that were left out on request. */
  left_out: z.array(relativePath),
  /** What has to be kept otherwise. */
  elsewhere: z.array(z.string()),
  stores: z.array(z.strictObject({ path: relativePath, kind: z.string(), format: z.int().nonnegative() })),
  files: z.array(
    z.strictObject({
      path: relativePath,
      bytes: z.int().nonnegative(),
      mode: z.string().regex(/^0[0-7]{3}$/),
      sha256,
    }),
  ),
})

export type BackupManifest = z.infer<typeof manifestSchema>
export type BackedFile = BackupManifest['files'][number]

/** Writes it in one step; it has a digest of its own, so that damage to it is known as well. */
export function writeManifest(folder: string, manifest: BackupManifest): void {
  const whole = { ...manifest, sha256: digestOf(manifest) }
  replaceFile(join(folder, MANIFEST_FILE), `${JSON.stringify(whole, null, 2)}\n`, 0o600)
}

/** Throws `CommandFailure` for a folder that is no whole backup, and for one of a later version. */
export function readManifest(folder: string): BackupManifest {
  const { sha256: expected, ...rest } = parse(folder, read(folder))
  const format = rest['format']
  if (typeof format === 'number' && format > BACKUP_FORMAT) {
    throw newer(
      folder,
      `the backup has format ${format}, and this version reads up to ${BACKUP_FORMAT}`,
      rest['made_by'],
    )
  }
  const checked = manifestSchema.safeParse(rest)
  if (!checked.success) {
    const [issue] = checked.error.issues
    throw damaged(folder, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not as expected'}`)
  }
  if (digestOf(rest) !== expected) throw damaged(folder, 'its own checksum is another')
  return checked.data
}

/** A failure that names both versions. */
export function newer(folder: string, what: string, madeBy: unknown): CommandFailure {
  return new CommandFailure(`${folder} cannot be restored: ${what}`, {
    code: 'backup-newer',
    exitCode: EXIT.usage,
    hint: `install Jamey ${String(madeBy)}, which made it, or a later one`,
  })
}

function read(folder: string): string {
  try {
    // A pipe would be waited for, and a device never ends.
    const stats = statSync(join(folder, MANIFEST_FILE))
    if (!stats.isFile() || stats.size > MAXIMUM_BYTES)
      throw new Error(`it is no file of at most ${MAXIMUM_BYTES} bytes`)
    return readFileSync(join(folder, MANIFEST_FILE), 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const isMissing = code === 'ENOENT' || code === 'ENOTDIR'
    throw new CommandFailure(
      isMissing
        ? `${folder} is no backup: it has no ${MANIFEST_FILE}, which is written last`
        : `cannot read ${join(folder, MANIFEST_FILE)}: ${message}`,
      {
        code: isMissing ? 'no-backup' : 'backup-unreadable',
        exitCode: EXIT.usage,
        hint: 'one that was interrupted is never whole: remove it, and make another',
        cause: error,
      },
    )
  }
}

function parse(folder: string, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // Told below, as everything else that is no manifest.
  }
  throw damaged(folder, 'it is no JSON object')
}

function damaged(folder: string, what: string): CommandFailure {
  return new CommandFailure(`${join(folder, MANIFEST_FILE)} is damaged: ${what}`, {
    code: 'backup-damaged',
    hint: 'take another backup; nothing was changed',
  })
}

function digestOf(manifest: object): string {
  return createHash('sha256').update(JSON.stringify(manifest)).digest('hex')
}
