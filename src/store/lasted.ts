/**
 * The duration of a stored job. Boundary: pure.
 */

/**
 * The milliseconds from a job's beginning to its end; undefined if it has not ended. A clock that was set back meanwhile gives 0,
 * and no time below it.
 */
export const lastedMs = ({
  createdAt,
  haltedAt
}: {
  readonly createdAt: number
  readonly haltedAt?: number | null | undefined
}): number | undefined => (haltedAt === undefined || haltedAt === null ? undefined : Math.max(0, haltedAt - createdAt))
