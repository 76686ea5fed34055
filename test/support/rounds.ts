/**
 * How much a test does: less in `npm test`, which has eight minutes, and all of it in `npm run test:long`.
 *
 * A file that asks for it is in the list `both` of test/vitest.config.ts.
 */

/** Whether this is `npm run test:long`. */
export const isLong = process.env["CONVERGE_TEST_LONG"] === "1"

/** Chooses a number of rounds, seeds or cases. */
export const rounds = (inTest: number, inLong: number): number => (isLong ? inLong : inTest)

/** Defines tests that `npm test` has no time for. A shorter one of the same file looks at the same part. */
export const inLong = (define: () => void): void => {
  if (isLong) define()
}
