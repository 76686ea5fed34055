/** The look of progress: the tally, plain lines, and the block that a terminal shows. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { PassThrough } from "node:stream"
import type { WriteStream } from "node:tty"
import { describe, expect, it } from "vitest"
import { Agent, type JobEvent, Program } from "../../src/index.ts"
import { liveBlock } from "../../src/cli/liveBlock.ts"
import { PlainLines } from "../../src/cli/plainLines.ts"
import { Screen } from "../../src/cli/liveScreen.ts"
import { Tally } from "../../src/cli/progressCount.ts"
import { duration, inlineJson, oneLine, pretty, table, thousands, toPlain, wrap } from "../../src/cli/text.ts"
import { compiledOf } from "../../src/program/erased.ts"

const nothing = (name: string) => Agent.make(name, { execute: () => Effect.succeed({}) })
const program = compiledOf(
  Program.make("audit", {
    input: Schema.Struct({}),
    agents: [nothing("read"), nothing("parse"), nothing("report")],
    tiers: [["read", "parse"], ["report"]]
  })
)

const machine = (cycle: number, tier: number, tasks: number) => ({
  jobId: "j",
  program: "audit",
  tier,
  cycle,
  agents: [],
  tasks,
  version: 0,
  hash: "",
  pausing: false,
  halt: null
})

const commit = (tally: Tally, cycle: number, tier: number, tasks: number, at: number): void => {
  const events: ReadonlyArray<JobEvent.JobEvent> = [
    { _tag: "CycleStarted", seq: 1, cycle, tier, tasks, agents: [] },
    { _tag: "FactsCommitted", seq: 2, cycle, agent: "read", facts: [] }
  ]
  for (const event of events) tally.onEvent(event, at)
}

const halted = (status: "converged" | "cancelled"): JobEvent.JobEvent => ({
  _tag: "JobHalted",
  seq: 9,
  cycle: 2,
  status,
  version: 0,
  hash: ""
})

const drawn = (tally: Tally, at: number): ReadonlyArray<string> =>
  liveBlock(tally, at, (_, text) => text).map((cells) =>
    cells
      .map(({ text }) => text)
      .join("")
      .trimEnd()
  )

describe("the live block", () => {
  it("has a line per tier: what it has committed, and how far its cycle is", () => {
    const tally = new Tally(program, 0)
    expect(drawn(tally, 0)).toEqual(["· 1  read, parse", "· 2  report", "  cycle 0   0 facts   0 ms"])
    tally.observe(machine(1, 0, 1))
    expect(drawn(tally, 100)[0]).toMatch(/^⠙ 1 {2}read, parse +100 ms$/)
    commit(tally, 1, 0, 1, 150)
    tally.observe(machine(2, 0, 24))
    for (let task = 0; task < 12; task++)
      tally.onTelemetry({ _tag: "TaskEnded", sequence: 1, attempt: 1, cycle: 2, agent: "parse", at: 1, worker: 1 }, 0)
    tally.onTelemetry(
      {
        _tag: "TaskProgress",
        sequence: 1,
        attempt: 1,
        cycle: 2,
        agent: "parse",
        at: 1,
        worker: 1,
        value: "half\u001b[1m"
      },
      0
    )
    tally.observe(machine(2, 0, 24))
    expect(drawn(tally, 1_500)).toEqual([
      "⠴ 1  read, parse  1 cycle  1 task  0 facts  1.5 s  12/24 ━━━━━━──────  8.9/s",
      "· 2  report",
      "  cycle 2   0 facts   1.5 s   parse: half\\x1b[1m"
    ])
  })

  it("says which task of the cycle is slow", () => {
    const tally = new Tally(program, 0)
    const claim = (id: string, at: number, cycle = 1) =>
      tally.onTelemetry(
        {
          _tag: "TaskClaimed",
          sequence: 1,
          attempt: 1,
          cycle,
          agent: "parse",
          each: { kind: "Source", id },
          at: 1,
          worker: 1
        },
        at
      )
    claim("a.ts", 0)
    claim("b.ts", 100)
    tally.observe(machine(1, 0, 2))
    expect(drawn(tally, 1_900).at(-1)).toBe("  cycle 1   0 facts   1.9 s")
    expect(drawn(tally, 2_500).at(-1)).toBe("  cycle 1   0 facts   2.5 s   2.5 s in parse on Source/a.ts")
    const each = { kind: "Source", id: "a.ts" }
    tally.onTelemetry(
      { _tag: "TaskEnded", sequence: 1, attempt: 1, cycle: 1, agent: "parse", each, at: 1, worker: 1 },
      2_500
    )
    tally.observe(machine(1, 0, 2))
    expect(drawn(tally, 2_500)[0]).toContain("1/2 ━━━━━━──────  24.0/min")
    expect(drawn(tally, 2_500).at(-1)).toContain("2.4 s in parse on Source/b.ts")
    claim("c.ts", 3_000, 2)
    tally.observe(machine(2, 0, 2))
    expect(drawn(tally, 5_000).at(-1)).toBe("  cycle 2   0 facts   5.0 s   2.0 s in parse on Source/c.ts")
  })

  it("keeps its figures whole on a narrow terminal: names of agents give way, then the bar", () => {
    const tally = new Tally(program, 0)
    for (let cycle = 1; cycle <= 1_200; cycle++) commit(tally, cycle, 0, 1_000, cycle)
    tally.observe(machine(1_201, 0, 2_400))
    for (let task = 0; task < 1_200; task++)
      tally.onTelemetry(
        { _tag: "TaskEnded", sequence: 1, attempt: 1, cycle: 1_201, agent: "parse", at: 1, worker: 1 },
        0
      )
    tally.observe(machine(1_201, 0, 2_400))
    const at = (width: number): string =>
      (liveBlock(tally, 61_200, (_, text) => text, width)[0] ?? []).map(({ text }) => text).join("")
    const figures = "1,200 cycles  1,200,000 tasks  0 facts  1 m 01 s  1,200/2,400"
    expect(at(200).slice(2)).toBe(`1  read, parse  ${figures} ━━━━━━──────  20.0/s`)
    expect(at(97).slice(2)).toBe(`1  read, p…  ${figures} ━━━━━━──────  20.0/s`)
    expect(at(97).length).toBeLessThanOrEqual(97)
    expect(at(83).slice(2)).toBe(`1  read, p…  ${figures}   20.0/s`)
  })

  it("marks a tier as done when a later one begins, and as stopped when the job is", () => {
    const tally = new Tally(program, 0)
    commit(tally, 1, 0, 1, 1_000)
    tally.observe(machine(2, 1, 1))
    expect(drawn(tally, 1_000).map((line) => line[0])).toEqual(["✔", "⠋", " "])
    tally.onEvent(halted("cancelled"), 3_000)
    expect(drawn(tally, 9_000)).toEqual([
      "✔ 1  read, parse  1 cycle  1 task  0 facts  1.0 s",
      "✖ 2  report                                 2.0 s"
    ])
  })
})

describe("plain lines", () => {
  it("one for each cycle of a slow job, and what came together on one", () => {
    const tally = new Tally(program, 0)
    const lines = new PlainLines("audit")
    commit(tally, 1, 0, 1, 900)
    expect(lines.next(tally, 1_000)).toBe("audit: cycle 1, tier 1 of 2, 1 task, +0 facts, 0 in all, 1.0 s")
    expect(lines.next(tally, 2_000)).toBe(undefined)
    commit(tally, 2, 0, 8, 2_010)
    commit(tally, 3, 1, 2, 2_020)
    tally.onEvent(
      { _tag: "TaskDiscarded", seq: 3, cycle: 3, agent: "report", cause: { _tag: "JobCancelled", cycle: 3 } },
      0
    )
    const line = "audit: cycles 2-3, tier 2 of 2, 10 tasks (1 discarded), +0 facts, 0 in all, 2.1 s"
    expect(lines.next(tally, 2_100)).toBe(line)
    expect(lines.last(tally, 2_200)).toBe(undefined)
  })

  it("fewer than 150 in a minute of a job that commits all the time", () => {
    const tally = new Tally(program, 0)
    const lines = new PlainLines("audit")
    let count = 0
    for (let at = 100; at <= 60_000; at += 100) {
      commit(tally, at / 100, 0, 1, at)
      if (lines.next(tally, at) !== undefined) count++
    }
    expect(count).toBeGreaterThan(50)
    expect(count).toBeLessThan(150)
  })

  it("a sign of life in a cycle that takes long", () => {
    const tally = new Tally(program, 0)
    const lines = new PlainLines("audit")
    tally.observe(machine(1, 0, 5))
    expect(lines.next(tally, 9_900)).toBe(undefined)
    expect(lines.next(tally, 10_000)).toBe("audit: cycle 1, 0 of 5 tasks ended, 10.0 s")
    expect(lines.next(tally, 10_100)).toBe(undefined)
    expect(lines.next(tally, 20_000)).toContain("20.0 s")
  })
})

/** A terminal: what was written to it, and what it shows then. */
const terminal = (columns: number, rows: number) => {
  const written: Array<string> = []
  const stream = Object.assign(new PassThrough(), { columns, rows }) as unknown as WriteStream
  stream.write = (chunk: string | Uint8Array): boolean => {
    written.push(String(chunk))
    return true
  }
  const shows = (): ReadonlyArray<string> => {
    const lines = [""]
    // Up by some lines, and everything from there on cleared: nothing else is asked of the terminal.
    const text = written.join("").replaceAll("\u001b", "^").replaceAll("\r", "")
    for (const part of text.split(/(\^\[\d+A\^\[0J|\n)/)) {
      const up = /^\^\[(\d+)A/.exec(part)
      if (up !== null) lines.splice(lines.length - 1 - Number(up[1]), Infinity, "")
      else if (part === "\n") lines.push("")
      else lines[lines.length - 1] += part
    }
    return lines.slice(0, -1)
  }
  return { stream, shows, written }
}

describe("the screen", () => {
  const block = (...lines: ReadonlyArray<string>) => lines.map((text) => [{ text }])

  it("draws a block over the one before, in one write", () => {
    const { shows, stream, written } = terminal(80, 24)
    const screen = new Screen(stream)
    screen.draw(block("a", "b", "c"))
    screen.draw(block("d"))
    expect(written).toHaveLength(2)
    expect(shows()).toEqual(["d"])
  })

  it("puts what others write above the block, line by line", () => {
    const { shows, stream } = terminal(80, 24)
    const screen = new Screen(stream)
    screen.draw(block("a", "b"))
    stream.write("log 1\nlo")
    expect(shows()).toEqual(["log 1", "a", "b"])
    stream.write(Buffer.from("g 2\n"))
    screen.draw(block("c", "d"))
    expect(shows()).toEqual(["log 1", "log 2", "c", "d"])
    stream.write("rest")
    screen.release()
    stream.write("after\n")
    expect(shows()).toEqual(["log 1", "log 2", "c", "d", "rest", "after"])
  })

  it("draws nothing wider or higher than the terminal", () => {
    const { shows, stream } = terminal(10, 4)
    const screen = new Screen(stream)
    screen.draw(block("0123456789012", ...Array.from({ length: 10 }, (_, line) => String(line))))
    expect(shows()).toEqual(["012345678", "0", "1"])
  })
})

describe("text", () => {
  it("prints JSON over lines only where it does not fit", () => {
    expect(pretty({ a: [1, 2], b: { c: "x".repeat(30) }, d: {} }, 40)).toBe(
      `{\n  "a": [1, 2],\n  "b": {\n    "c": "${"x".repeat(30)}"\n  },\n  "d": {}\n}`
    )
    expect(inlineJson({ a: [{ b: null }] })).toBe('{ "a": [{ "b": null }] }')
    expect(toPlain({ a: 1n, b: undefined })).toEqual({ a: "1" })
    expect(toPlain(undefined)).toBe(undefined)
  })

  it("shows control characters instead of obeying them", () => {
    expect(oneLine("a\u001b[2J\u0007\r\nb")).toBe("a\\x1b[2J\\x07 b")
  })

  it("writes numbers and durations for people", () => {
    expect([999, 1_000, 1_234_567].map(thousands)).toEqual(["999", "1,000", "1,234,567"])
    expect([0, 999.4, 1_000, 59_949, 60_000, 125_000].map(duration)).toEqual([
      "0 ms",
      "999 ms",
      "1.0 s",
      "59.9 s",
      "1 m 00 s",
      "2 m 05 s"
    ])
    expect(
      table(
        [
          ["a", "1"],
          ["bb", "10"]
        ],
        [1]
      )
    ).toEqual(["a    1", "bb  10"])
  })
})

describe("help on a narrow terminal", () => {
  it("breaks lines between words, below the column that they are in", () => {
    const flag = "  --workers, -w integer    Worker threads for CPU agents; 0: none (default: one per core)"
    expect(wrap(flag, 60).split("\n")).toEqual([
      "  --workers, -w integer    Worker threads for CPU agents; 0:",
      "                           none (default: one per core)"
    ])
    const wide = `  --${"x".repeat(40)} value  ${"word ".repeat(8).trim()}`
    for (const line of wrap(wide, 60).split("\n")) expect(line.length).toBeLessThanOrEqual(60)
    expect(wrap("short\n  and indented", 60)).toBe("short\n  and indented")
    const coloured = `  \u001b[1mbold\u001b[0m  ${"text ".repeat(20).trim()}`
    expect(wrap(coloured, 60).split("\n")[1]).toMatch(/^ {8}text/)
    expect(wrap("y".repeat(100), 60)).toBe("y".repeat(100))
  })
})
