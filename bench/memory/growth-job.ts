/** A point of a growth curve, for a process of its own. */
export type GrowthJob =
  /** Stores the memories `from` to `to` in the file. */
  | { readonly task: 'fill'; readonly file: string; readonly from: number; readonly to: number }
  /** Opens the file and asks. */
  | { readonly task: 'ask'; readonly file: string }
