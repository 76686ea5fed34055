/** The duration of a job, as lists of a server and of the command line show it. */
import { expect, it } from "vitest"
import { pageOf } from "../../src/cli/jobs.ts"
import { storedSummary } from "../../src/server/jobView.ts"
import type { JobStore } from "../../src/index.ts"

const job = (createdAt: number, haltedAt: number | undefined): JobStore.StoredJob => ({
  ...{ jobId: "a", program: "p", status: haltedAt === undefined ? undefined : "converged", createdAt, haltedAt },
  ...{ cycle: 1, hash: "", isHeld: false, attempts: undefined }
})

const took = (stored: JobStore.StoredJob): string =>
  pageOf([stored], ["converged"], { style: (_, text) => text, width: 200 })
    .split("\n")[1]!
    .split(/ {2,}/)
    .at(-1)!

it("is the time to its end, and 0 where the clock was set back meanwhile", () => {
  const [ended, setBack, open] = [job(1_000, 3_500), job(3_600_000, 1_000), job(1_000, undefined)]
  expect([ended, setBack, open].map((stored) => storedSummary(stored).durationMs)).toEqual([2_500, 0, null])
  expect([ended, setBack].map(took)).toEqual(["2.5 s", "0 ms"])
})
