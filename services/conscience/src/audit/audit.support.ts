import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { AuditLog, type AuditLogOptions } from './audit-log.js'
import type { AuditEntry } from './audit-record.js'

/** A folder that is gone after the test; nothing is in it yet. */
export function newAuditFolder(): string {
  const parent = mkdtempSync(join(tmpdir(), 'jamey-audit-'))
  onTestFinished(() => rmSync(parent, { recursive: true, force: true }))
  return join(parent, 'audit')
}

/** A millisecond passes each time that somebody looks: files are begun one after the other. */
let nowMs = Date.UTC(2026, 0, 1)
const clock = { timeOfDay: (): number => ++nowMs }

export async function openAudit(folder: string, options: Partial<AuditLogOptions> = {}): Promise<AuditLog> {
  const log = await AuditLog.open(folder, { clientId: 'conscience-1', clock, ...options })
  onTestFinished(() => log.close())
  return log
}

export function verdictEntry(id: string): AuditEntry {
  return {
    kind: 'verdict',
    evaluation_id: id,
    decision: 'deny',
    requested_by: 'agent-7',
    tool: 'Bash',
    arguments: { command: 'rm -rf /\n' },
  }
}
