/** CPU time of the thread that this runs on, in milliseconds. What it measures is charged, and decides nothing else. */
export const threadCpuMs = (): number => {
  const { system, user } = process.threadCpuUsage()
  return (user + system) / 1_000
}
