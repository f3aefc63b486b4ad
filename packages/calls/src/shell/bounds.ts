/** How much of a script is looked at. */
export const MAXIMUM_CHARACTERS = 100_000
export const MAXIMUM_COMMANDS = 2_000
export const MAXIMUM_NESTING = 16
/** Loops and functions are looked at more than once. */
export const MAXIMUM_VISITS = 200_000
