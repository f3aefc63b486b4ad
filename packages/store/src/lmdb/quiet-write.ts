/** Writes under way, of all stores of this process. */
let writes = 0
let print: typeof console.error

/**
 * lmdb prints a write that failed on standard error, beside the rejection that says the same; that line is left out.
 * Whatever else is printed meanwhile is printed.
 */
export async function writeQuietly<Result>(write: () => Promise<Result>): Promise<Result> {
  if (writes++ === 0) {
    // biome-ignore lint/suspicious/noConsole: nothing is printed here, and lmdb has no other way to be told so.
    print = console.error
    console.error = (...what) => {
      if (!isOfLmdb(what)) print(...what)
    }
  }
  try {
    return await write()
  } finally {
    if (--writes === 0) console.error = print
  }
}

/** An error with the number that LMDB or the system has for it, and nothing beside it. */
function isOfLmdb([error, ...others]: readonly unknown[]): boolean {
  if (!(error instanceof Error) || others.length > 0) return false
  return 'code' in error && typeof error.code === 'number' && (error.stack ?? '').includes('lmdb')
}
