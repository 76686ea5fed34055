/** The comparison of `parallel.test.ts`, with 1,000 programs: `npm run test:long`. */
import { it } from "vitest"
import { expectEqual } from "./equality.ts"

it("1,000 programs have the same results and hashes in sequence, and as jobs on 0, 1, 2 and 4 threads", async () => {
  await expectEqual(1_000)
}, 3_600_000)
