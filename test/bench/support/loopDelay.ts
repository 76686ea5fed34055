/**
 * The delay of the event loop of this thread. Node's monitor fires a timer every millisecond and records the time between
 * two of its turns. On an idle loop that is its own period, which is no delay and is subtracted.
 */
import { monitorEventLoopDelay } from "node:perf_hooks"

export interface Delay {
  readonly p99: number
  readonly max: number
}

const observe = async (body: () => Promise<unknown>) => {
  const monitor = monitorEventLoopDelay({ resolution: 1 })
  monitor.enable()
  await body()
  // A block at the very end is seen by the turn after it.
  await new Promise((resolve) => setTimeout(resolve, 3))
  monitor.disable()
  return monitor
}

/** The monitor's period on an idle loop, in milliseconds: its median. */
export const idlePeriod = async (ms: number): Promise<number> => {
  const monitor = await observe(() => new Promise((resolve) => setTimeout(resolve, ms)))
  return monitor.percentile(50) / 1e6
}

/** The delay while something goes on, in milliseconds, less the period of an idle loop. */
export const delayDuring = async (periodMs: number, body: () => Promise<unknown>): Promise<Delay> => {
  const monitor = await observe(body)
  const delay = (ns: number): number => Math.max(0, ns / 1e6 - periodMs)
  return { p99: delay(monitor.percentile(99)), max: delay(monitor.max) }
}
