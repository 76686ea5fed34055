/**
 * Whether a worker's memory grows by what its agents leave behind.
 *
 * What is measured is the heap that survives a collection, less what the replicas account for. A collection is made when the
 * heap looks too large, and then at most once in a while; a worker that still is too large asks to be replaced when it has
 * nothing to do.
 *
 * Boundary: worker side; owns `node:v8`.
 */
import { getHeapStatistics, setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { Limits } from "../Limits.ts"
import { elapsedMs } from "./cpuTime.ts"

/** Heap that a replica may take, as a multiple of the length of its facts' texts. */
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

  /** Before the first share, with its program loaded: what is there now is no growth. */
  begin(): void {
    this.#startMb ??= usedMb()
  }

  /** Looks, if it is time to. `replicaBytes`: the length of the texts that the replicas were made of. The MiB if too many. */
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
