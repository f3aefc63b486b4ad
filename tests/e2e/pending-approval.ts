import { jamey, type System } from './program.js'

/** As `jamey approvals list --json` tells it. */
export interface PendingApproval {
  readonly approval_id: string
  readonly status: string
  readonly tool: string
  readonly arguments: unknown
}

/** What people are asked about, once there is something. */
export async function pendingApproval({ folder }: System): Promise<PendingApproval> {
  for (;;) {
    const { stdout } = await jamey(folder, ['approvals', 'list', '--json'])
    const listed = stdout
      .split('\n')
      .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as PendingApproval]))
    const first = listed.find(({ status }) => status === 'pending')
    if (first !== undefined) return first
  }
}
