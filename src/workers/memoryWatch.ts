/**
 * Watches for growth of a worker's memory by leftovers of its agents.
 *
 * The measure is the heap after a collection, less the share of the replicas. A collection runs when the heap looks too large,
 * at most once in `Limits.memoryLookMs`. A worker that is still too large asks to be replaced when it is idle.
 *
 * Boundary: worker side; owns `node:v8`.
 */
import { getHeapStatistics, setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { Limits } from "../Limits.ts"
import { elapsedMs } from "./cpuTime.ts"

/** Tuning: heap of a replica, in bytes for each character of its facts' texts. */
const replicaRatio = 8

const usedMb = (): number => getHeapStatistics().used_heap_size / 2 ** 20

/** A collection of this thread's heap. The flag affects only contexts that are made while it is set. */
const collector = (): (() => void) => {
  setFlagsFromString("--expose-gc")
  const collect = runInNewContext("gc") as () => void
  setFlagsFromString("--no-expose-gc")
  return collect
}

export class MemoryWatch {
  readonly #growthMb: number
  #startMb: number | undefined
  #lookedAt = 0
  #collect: (() => void) | undefined

  constructor(growthMb: number) {
    this.#growthMb = growthMb
  }

  /** Measures the heap before the first share, with its program loaded. Growth counts from there. */
  begin(): void {
    this.#startMb ??= usedMb()
  }

  /** Returns the MiB in use if they are too many and a check is due. `replicaBytes` is the length of the replicas' texts. */
  look(replicaBytes: number): number | undefined {
    if (this.#growthMb === Infinity) return undefined
    const now = elapsedMs()
    if (now - this.#lookedAt < Limits.memoryLookMs) return undefined
    this.#lookedAt = now
    let used = usedMb()
    const allowed = (this.#startMb ?? 0) + this.#growthMb + (replicaRatio * replicaBytes) / 2 ** 20
    if (used <= allowed) return undefined
    this.#collect ??= collector()
    this.#collect()
    used = usedMb()
    return used > allowed ? used : undefined
  }
}
