/**
 * How the threads of a pool share out tasks among themselves: an array in shared memory, in which a thread claims a task by
 * writing its name beside it.
 *
 * The first place is a cursor that only says where to look next; the claim itself is one compare-and-exchange, so a thread
 * that is ended between the two loses nothing: the place is still free, and the pool finds it (`free`).
 *
 * Invariant: a place is claimed once, by a share or by the pool, and never given back: what was lost is handed out again in
 * another array. Boundary: shared memory and arithmetic; used on both sides.
 */

/** Place 0: the cursor. Place i + 1: who has claimed the ith task: 0 for nobody, else a share's number, or the pool. */
export type Claims = Int32Array<SharedArrayBuffer>

const byPool = -1

export const makeClaims = (count: number): Claims =>
  new Int32Array(new SharedArrayBuffer((count + 1) * Int32Array.BYTES_PER_ELEMENT))

/** Claims the next task for a share. -1 if nothing is left. */
export const claim = (claims: Claims, share: number): number => {
  for (;;) {
    const index = Atomics.add(claims, 0, 1)
    if (index >= claims.length - 1) {
      // Asked in vain many times, the cursor would come round to the beginning.
      Atomics.store(claims, 0, claims.length - 1)
      return -1
    }
    if (Atomics.compareExchange(claims, index + 1, 0, share) === 0) return index
  }
}

/** At most how many tasks nobody has claimed. */
export const unclaimed = (claims: Claims): number => Math.max(0, claims.length - 1 - Atomics.load(claims, 0))

/** Takes a task that nobody has claimed away from the threads. False if one was faster. */
export const withdraw = (claims: Claims, index: number): boolean =>
  Atomics.compareExchange(claims, index + 1, 0, byPool) === 0

/** From here on no thread finds anything to claim. */
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

/** The places that the cursor has passed and nobody has claimed: a thread is just about to, or was ended before it could. */
export const passedOver = (claims: Claims): ReadonlyArray<number> => {
  const found: Array<number> = []
  const until = Math.min(Atomics.load(claims, 0), claims.length - 1)
  for (let index = 0; index < until; index++) if (Atomics.load(claims, index + 1) === 0) found.push(index)
  return found
}
