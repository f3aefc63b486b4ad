import { readFileSync } from 'node:fs'

/** A line of /etc/passwd or /etc/group: its name, its number, and whom or what else it names. */
interface Account {
  readonly name: string
  readonly id: number
  readonly fields: readonly string[]
}

/** `alice (uid 1000)`; without a name where the system's own files have none, as for accounts of a directory service. */
export function describeUser(uid: number): string {
  const name = nameOfUser(uid)
  return name === undefined ? `uid ${uid}` : `${name} (uid ${uid})`
}

export function nameOfUser(uid: number): string | undefined {
  return accountsIn('/etc/passwd').find(({ id }) => id === uid)?.name
}

/**
 * Whether nobody but its user `uid` is in the group: many systems give each user a group of its own, and let that
 * group write whatever the user makes (umask 002). False where it cannot be told.
 */
export function isGroupOfOne(gid: number, uid: number): boolean {
  const users = accountsIn('/etc/passwd')
  const owner = users.find(({ id }) => id === uid)?.name
  const group = accountsIn('/etc/group').find(({ id }) => id === gid)
  if (owner === undefined || group === undefined || group.name !== owner) return false
  const members = (group.fields[3] ?? '').split(',').filter((name) => name !== '')
  const isOthers = users.some(({ id, fields }) => id !== uid && Number(fields[3]) === gid)
  return !isOthers && members.every((name) => name === owner)
}

function accountsIn(path: string): Account[] {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return []
  }
  return text
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => /^\d+$/.test(fields[2] ?? ''))
    .map((fields) => ({ name: fields[0] ?? '', id: Number(fields[2]), fields }))
}
