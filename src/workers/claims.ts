/**
 * Claims of tasks by the threads of a pool: an array in shared memory, in which a thread writes the number of its share beside
 * a task.
 *
 * The first place is a cursor, which is only a hint for the next free place. The claim itself is one compare-and-exchange. If a
 * thread ends between the two, the place is still free, and the pool finds it (`passedOver`).
 *
 * Invariant: a place is claimed once, by a share or by the pool, and never given back; lost tasks go out again in another
 * array. Boundary: shared memory and arithmetic; used on both sides.
 */

/** Place 0 is the cursor. Place i + 1 has the holder of task i: 0 for none, the number of a share, or -1 for the pool. */
export type Claims = Int32Array<SharedArrayBuffer>

const byPool = -1

export const makeClaims = (count: number): Claims =>
  new Int32Array(new SharedArrayBuffer((count + 1) * Int32Array.BYTES_PER_ELEMENT))

/** Claims the next task for a share. -1 if nothing is left. */
export const claim = (claims: Claims, share: number): number => {
  for (;;) {
    const index = Atomics.add(claims, 0, 1)
    if (index >= claims.length - 1) {
      // After very many claims without success, the cursor would overflow to the beginning.
      Atomics.store(claims, 0, claims.length - 1)
      return -1
    }
    if (Atomics.compareExchange(claims, index + 1, 0, share) === 0) return index
  }
}

/** An upper bound of the unclaimed tasks. */
export const unclaimed = (claims: Claims): number => Math.max(0, claims.length - 1 - Atomics.load(claims, 0))

/** Whether nobody has claimed a task. */
export const isFree = (claims: Claims, index: number): boolean => Atomics.load(claims, index + 1) === 0

/** Takes an unclaimed task away from the threads. False if a thread has claimed it. */
export const withdraw = (claims: Claims, index: number): boolean =>
  Atomics.compareExchange(claims, index + 1, 0, byPool) === 0

/** Moves the cursor to the end, so that no task is left to claim. */
export const close = (claims: Claims): void => {
  Atomics.store(claims, 0, claims.length - 1)
}

/** The tasks that a share has claimed, in order. */
export const claimedBy = (claims: Claims, share: number): ReadonlyArray<number> => {
  const found: Array<number> = []
  const until = Math.min(Atomics.load(claims, 0), claims.length - 1)
  for (let index = 0; index < until; index++) if (Atomics.load(claims, index + 1) === share) found.push(index)
  return found
}

/** Unclaimed places behind the cursor: a thread is about to claim them, or was ended before it did. */
export const passedOver = (claims: Claims): ReadonlyArray<number> => {
  const found: Array<number> = []
  const until = Math.min(Atomics.load(claims, 0), claims.length - 1)
  for (let index = 0; index < until; index++) if (Atomics.load(claims, index + 1) === 0) found.push(index)
  return found
}
