/** Where a stored job's time went, row by row (src/journal/work.ts). */
import { describe, expect, it } from "vitest"
import type { NoteTag, TimesExtra } from "../../src/journal/records.ts"
import type { RowTimes } from "../../src/journal/timeline.ts"
import { WorkSum } from "../../src/journal/work.ts"

const row = (
  cycle: number,
  at: number,
  ranMs: number,
  more: { readonly times?: TimesExtra; readonly before?: ReadonlyArray<NoteTag> } = {}
): RowTimes => ({
  extra: { at, ranMs, cpuMs: 0, ...more },
  outcomes: [],
  recorded: {
    cycle,
    tier: 0,
    at,
    tookMs: more.times?.ms,
    ranMs,
    notes: more.before ?? [],
    tasks: 0,
    facts: 0,
    discarded: 0,
    signals: 0,
    agents: {},
    recorded: (more.times?.tasks ?? []).map(([, worker, startMs, tookMs]) => ({
      agent: "a",
      each: undefined,
      worker,
      startMs,
      tookMs,
      attempts: 1,
      discarded: undefined
    })),
    untimed: []
  }
})

const sumOf = (...rows: ReadonlyArray<RowTimes>): WorkSum => {
  const sum = new WorkSum(1_000)
  for (const one of rows) sum.addTime(one)
  return sum
}

describe("the time of a stored job", () => {
  it("is executing until the last task has ended, then merging; and time without a task of a while is not told apart", () => {
    const times = {
      ms: 50,
      tasks: [
        [0, 0, 0, 30],
        [1, 1, 10, 35]
      ]
    } as const
    const { times: found } = sumOf(row(1, 1_060, 60, { times }), row(2, 1_070, 70))
    expect(found).toEqual({ spentMs: { executing: 45, merging: 5 }, untoldMs: 20, awayMs: 0 })
  })

  it("is a rest between two rows where the notes tell of one, and away where they tell of none or of both", () => {
    const { times } = sumOf(
      row(1, 1_010, 10),
      row(2, 1_120, 20, { before: ["Awaiting"] }),
      row(3, 1_230, 30, { before: ["Paused", "Resumed"] }),
      row(4, 1_340, 40, { before: ["Awaiting", "Paused", "Resumed"] }),
      row(5, 1_450, 50)
    )
    expect(times).toEqual({ spentMs: { awaiting: 100, paused: 100 }, untoldMs: 50, awayMs: 200 })
  })

  it("makes no time of roundings, however many rows there are", () => {
    const rows = Array.from({ length: 1_000 }, (_, index) =>
      row(index + 1, 1_000 + 10 * index + (index % 2), 10 * index)
    )
    expect(sumOf(...rows).times).toEqual({ spentMs: {}, untoldMs: 9_990, awayMs: 1 })
  })

  it("goes on to the end of the job, or to now, without a change of the sum", () => {
    const sum = sumOf(row(1, 1_010, 10))
    const whole = sum.copy()
    whole.rest(1_510, 10, ["Awaiting"])
    expect(whole.times).toEqual({ spentMs: { awaiting: 500 }, untoldMs: 10, awayMs: 0 })
    expect(sum.times).toEqual({ spentMs: {}, untoldMs: 10, awayMs: 0 })
  })
})
