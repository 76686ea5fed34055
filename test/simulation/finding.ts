/** The first seed that finds a planted fault. Boundary: pure; plant.ts runs the seeds. */

/** A seed with the difference that it shows. */
export interface Found {
  readonly seed: number
  readonly difference: string
}

/** The first of so many seeds that differs with a fault, and agrees without it. A seed that differs anyway shows nothing of it. */
export const findingSeed = (
  seeds: number,
  differenceWith: (seed: number) => string | undefined,
  agreesWithout: (seed: number) => boolean
): Found | undefined => {
  for (let seed = 1; seed <= seeds; seed++) {
    const difference = differenceWith(seed)
    if (difference !== undefined && agreesWithout(seed)) return { seed, difference }
  }
  return undefined
}
