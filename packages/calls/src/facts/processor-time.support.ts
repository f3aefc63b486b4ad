/** Milliseconds that this process has worked: what goes on beside it does not count. */
export function processorMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
