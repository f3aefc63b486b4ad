/** The part that every process of the benchmark plays towards the one that started it. */

/** The first thing told to this process. It ends when whoever started it is gone. */
export function takeJob<Job>(): Promise<Job> {
  process.once('disconnect', () => process.exit())
  return new Promise((resolve) => process.once('message', (job) => resolve(job as Job)))
}

/** Tells it to whoever started this process; resolves when it is on its way. */
export function tell(message: object): Promise<void> {
  return new Promise((resolve, reject) => {
    if (process.send === undefined) throw new Error('this program is started by the benchmark only')
    process.send(message, undefined, undefined, (error) => (error === null ? resolve() : reject(error)))
  })
}

/** How a process of the benchmark ends. */
export type Report<Result extends object> =
  | ({ readonly type: 'done' } & Result)
  | { readonly type: 'failed'; readonly message: string }

/** Works, tells what came of it or what went wrong anywhere in this process, and ends. */
export async function report<Result extends object>(
  work: (onFailure: (error: unknown) => void) => Promise<Result>,
): Promise<never> {
  const told = await new Promise<Report<Result>>((resolve) => {
    const onFailure = (error: unknown): void => resolve({ type: 'failed', message: messageOf(error) })
    process.on('uncaughtException', onFailure)
    process.on('unhandledRejection', onFailure)
    work(onFailure).then((result) => resolve({ type: 'done', ...result }), onFailure)
  })
  await tell(told)
  process.exit()
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}
