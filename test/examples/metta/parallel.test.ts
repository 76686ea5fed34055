/** A program has the results of one that runs step after step, whatever runs beside what, and on however many threads. */
import { it } from "vitest"
import { expectEqual } from "./equality.ts"

it("12 programs have the same results and hashes in sequence, and as jobs on 0, 1, 2 and 4 threads", async () => {
  await expectEqual(12)
}, 120_000)
