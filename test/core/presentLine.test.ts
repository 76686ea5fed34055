/** The sentence about a job that runs: what it waits for, in words. */
import { describe, expect, it } from "vitest"
import { type Moment, presentLine, queuedLine } from "../../src/outcome/presentLine.ts"

const quiet: Moment = { cycle: 3, running: [], waiting: [], waits: 0, pool: { waiting: 0, busy: 0, size: 0 } }
const heavy = { agent: "parse", each: { kind: "Doc", id: "heavy" }, worker: 1, ms: 17_400, attempt: 1 }
const went = "It has not ended. It still grows: 5 facts of A in the last 2 cycles."

describe("the headline of a job that runs", () => {
  it("names the task that runs for long, with its fact, its time and its worker", () => {
    expect(presentLine(went, { ...quiet, running: [heavy] })).toBe(
      'It waits for "parse" on Doc/heavy, which has run for 17 s on worker 1.'
    )
    const again = { agent: "ask", each: null, worker: 0, ms: 130_000, attempt: 2 }
    expect(presentLine(went, { ...quiet, running: [again, heavy] })).toBe(
      'It waits for "ask", which has run for 2 min 10 s, in attempt 2. 1 other task runs.'
    )
  })

  it("keeps what the events say while no task runs for long", () => {
    expect(presentLine(went, { ...quiet, running: [{ ...heavy, ms: 1_999 }] })).toBe(
      "It runs, in cycle 3. It still grows: 5 facts of A in the last 2 cycles."
    )
    expect(queuedLine("It has not ended.")).toBe("It waits for a place to run.")
  })

  it("says which tasks wait, and for what", () => {
    const waiting = [
      ...Array.from({ length: 4 }, () => ({ agent: "get", each: undefined, for: "concurrency" as const })),
      { agent: "pay", each: undefined, for: "budget" as const },
      { agent: "go", each: undefined, for: "turn" as const },
      { agent: "last", each: undefined, for: "turn" as const }
    ]
    const pool = { waiting: 2, busy: 1, size: 2 }
    expect(presentLine("It has not ended.", { ...quiet, waiting, waits: 10, pool })).toBe(
      "It runs, in cycle 3." +
        ' 4 tasks of "get" wait for a permit of its agent. 1 task of "pay" waits for room under the budget.' +
        ' 1 task of "go" waits for a free place. 4 other tasks wait.' +
        " 2 CPU tasks of all jobs wait for a worker; 1 of 2 workers is busy."
    )
  })
})
