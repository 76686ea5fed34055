/**
 * Metrics of a store in a file: how long its writes take, how many wait, and how large its files are.
 *
 * States are read when an exporter asks. If several stores share a registry, the store that was opened last reports.
 * Boundary: names and units; it looks at the files.
 */
import type * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import { statSync } from "node:fs"
import { gauge, histogram } from "../../platform/metrics.ts"

const writeSeconds = histogram(
  "converge_store_write_duration_seconds",
  "From the request of a write to its commit or its refusal",
  [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
)
const waiting = gauge("converge_store_writes_waiting", "Writes that are not committed yet")
const fileBytes = gauge("converge_store_file_bytes", "Size of the store's file", "By")
const logBytes = gauge("converge_store_log_bytes", "Size of the write-ahead log beside the file", "By")

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0

/** Reports the states of a store. Returns a function that takes the milliseconds of each write. */
export const report = (
  services: Context.Context<never>,
  filename: string,
  writesWaiting: () => number
): ((writeMs: number) => void) => {
  const state = (metric: Metric.Gauge<number>, value: () => number): void =>
    void Metric.registerUnsafe(metric, services, {
      get: () => ({ value: value() }),
      update: () => undefined,
      modify: () => undefined
    })
  state(waiting, writesWaiting)
  state(fileBytes, () => sizeOf(filename))
  state(logBytes, () => sizeOf(`${filename}-wal`))
  return (writeMs) => writeSeconds.updateUnsafe(writeMs / 1_000, services)
}
