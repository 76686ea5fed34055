/** The times of events in sight: also of a cycle that was under way when its first event came. */
import { expect, it, vi } from "vitest"
import { stubWindow } from "../support/browser/window.ts"
import { until } from "../support/until.ts"

interface Times {
  readonly wantTimes: (cycles: ReadonlyArray<number>) => void
  readonly cycleTime: (cycle: number) => { readonly committed: number } | undefined
}

it("come for a cycle when it is committed, and are not asked for before", async () => {
  let cycle = 2
  const asked: Array<string> = []
  stubWindow("#/jobs/a/events", (path) => {
    const [place = "", search] = path.split("?")
    const query = new URLSearchParams(search)
    if (place === "jobs/a/timeline") {
      const after = Number(query.get("after"))
      const until = Math.min(cycle, after + Number(query.get("limit")))
      asked.push(`${after + 1}-${after + Number(query.get("limit"))}`)
      const numbers = Array.from({ length: Math.max(0, until - after) }, (_, index) => after + 1 + index)
      return { cycles: numbers.map((number) => ({ cycle: number, at: number * 10, tookMs: 1 })) }
    }
    const job = { jobId: "a", program: "p", state: "running", cycle, hash: String(cycle), usage: {}, result: null }
    return place === "jobs/a" ? job : {}
  })
  const { cycleTime, wantTimes } = await vi.importActual<Times>("../../src/inspector/console/eventTimes.ts")
  wantTimes([1, 2, 3])
  await until(() => cycleTime(2) !== undefined, 5_000)
  expect([cycleTime(1)?.committed, cycleTime(2)?.committed, cycleTime(3)]).toEqual([10, 20, undefined])
  cycle = 3
  await until(() => cycleTime(3) !== undefined, 5_000)
  expect([cycleTime(3)?.committed, asked]).toEqual([30, ["1-2", "3-3"]])
})
