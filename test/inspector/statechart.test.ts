/** The drawing and the export of a machine (src/inspector/Statechart.ts). */
import { describe, expect, it } from "@effect/vitest"
import { createMachine } from "xstate"
import { toJson, toMermaid } from "../../src/inspector/Statechart.ts"
import { jobMachine } from "../../machines/job.machine.ts"
import { workerMachine } from "../../machines/worker.machine.ts"
import { toyMachine } from "./toyMachine.ts"

const traffic = (light: string) =>
  createMachine({
    id: "traffic",
    initial: light,
    states: { [light]: { on: { "TIME: now; #1": { target: "off", guard: "is}Late" } } }, off: { type: "final" } }
  })

describe("the Mermaid diagram", () => {
  it("draws nested states, guards, final states, and notes for what Mermaid cannot draw", () => {
    expect(toMermaid(toyMachine)).toBe(
      `stateDiagram-v2
  [*] --> idle
  idle
  note right of idle
    ignores TURN
  end note
  state running {
    [*] --> running_eligible
    state "eligible" as running_eligible
    executing
    checked
    state "recall (deep history)" as recall
    running_eligible --> executing : TURN
    executing --> checked : [isLast]
    executing --> running_eligible : TURN [hasAtLeast]
    checked --> [*]
  }
  note right of running
    invokes work as worker
    on actor done
    on START to eligible
  end note
  paused
  note right of paused
    on any event
  end note
  state parts {
    state left {
      [*] --> parts_left_eligible
      state "eligible" as parts_left_eligible
      over
      parts_left_eligible --> over : TURN
      over --> [*]
    }
    --
    state right {
      [*] --> waiting
      waiting
      gone
      waiting --> gone : TURN
      gone --> [*]
    }
  }
  converged
  cancelled
  idle --> running : START
  running --> paused : PAUSE, after 5000 ms
  running --> parts : done
  running --> cancelled : actor failed, after patience [not(isLast)]
  parts --> converged : done
  converged --> [*]
  cancelled --> [*]
  state "any state" as any_state
  any_state --> cancelled : CANCEL
  executing --> cancelled : [and(isLast, hasAtLeast)]
  paused --> recall : RESUME`
    )
  })

  it("shows descriptions when it is asked to", () => {
    const notes = `note right of idle
    Nothing has happened.
    Waits#58; for START
    ignores TURN
  end note`
    expect(toMermaid(toyMachine, { descriptions: true })).toContain(notes)
  })

  it("writes characters that end a Mermaid label as entities", () => {
    expect(toMermaid(traffic("red"))).toContain("red --> off : TIME#58; now#59; #35;1 [is#125;Late]")
  })

  it("never uses a word of Mermaid's grammar, or one id for two states", () => {
    const chart = toMermaid(
      createMachine({ initial: "end", states: { end: {}, "a b": {}, "a-b": {}, any_state: {} }, on: { X: ".end" } })
    )
    expect(chart).toContain(`state "end" as end_2`)
    expect(chart).toContain(`state "a b" as a_b\n  state "a-b" as a_b_2\n  any_state\n`)
    expect(chart).toContain(`any_state_2 --> end_2 : X`)
  })

  it("calls an unconditional transition by its name where it shares an edge", () => {
    const two = createMachine({
      initial: "a",
      states: { a: { always: [{ guard: "isOdd", target: "b" }, { target: "b" }] }, b: { always: "a" } }
    })
    expect(toMermaid(two)).toContain("a --> b : [isOdd], always\n  b --> a")
    expect(toMermaid(two)).not.toContain("b --> a :")
  })
})

describe("the diagram of the job's machine", () => {
  it("shows the cycle of phases, its guards, the driver, and every way a job ends", () => {
    const chart = toMermaid(jobMachine)
    for (const line of [
      "  [*] --> idle",
      "  state running {",
      "    [*] --> eligible",
      "    eligible --> executing : SELECTED [hasWork]",
      "    executing --> merging : EXECUTED",
      "    merging --> checking : MERGED",
      "    invokes driver",
      "  checking --> converged : CHECKED [hasConverged]",
      "  converged --> [*]",
      "  budgetExhausted --> [*]",
      "  failed --> [*]",
      "  cancelled --> [*]"
    ]) {
      expect(chart.split("\n")).toContain(line)
    }
  })
})

describe("the JSON definition", () => {
  it("is a config from which XState builds the same machine", () => {
    const copy = createMachine(JSON.parse(JSON.stringify(toJson(toyMachine))))
    expect(toMermaid(copy)).toBe(toMermaid(toyMachine))
    expect(JSON.stringify(toJson(copy))).toBe(JSON.stringify(toJson(toyMachine)))
  })

  for (const machine of [jobMachine, workerMachine]) {
    it(`survives the round trip for the ${machine.id} machine too`, () => {
      const copy = createMachine(JSON.parse(JSON.stringify(toJson(machine))))
      expect(toMermaid(copy, { descriptions: true })).toBe(toMermaid(machine, { descriptions: true }))
      expect(JSON.stringify(toJson(copy))).toBe(JSON.stringify(toJson(machine)))
    })
  }

  it("keeps names, targets, delays, meta and descriptions, and no code", () => {
    expect(toJson(toyMachine)).toMatchObject({
      id: "toy",
      initial: "idle",
      states: {
        idle: { description: "Nothing has happened.\nWaits: for START", on: { START: "running", TURN: {} } },
        running: {
          invoke: { id: "worker", src: "work", onDone: { actions: "count" }, onError: "cancelled" },
          after: { 5000: "paused", patience: { target: "cancelled", guard: { type: "not(isLast)" } } },
          states: {
            executing: {
              on: { TURN: { target: "eligible", guard: { type: "hasAtLeast", params: { turns: 1 } } } }
            }
          }
        },
        paused: { on: { "*": { actions: { type: "inline" } } } },
        converged: { type: "final", meta: { tone: "good", since: "1970-01-01T00:00:00.000Z" } }
      }
    })
    expect(toJson(toyMachine)).not.toHaveProperty("context")
    expect(toJson(toyMachine)).not.toHaveProperty("output")
  })

  it("writes the keys of a state in one order, however the author ordered them", () => {
    const one = createMachine({ id: "m", initial: "a", states: { a: { entry: "x", exit: "y" } } })
    const two = createMachine({ states: { a: { exit: "y", entry: "x" } }, initial: "a", id: "m" })
    expect(JSON.stringify(toJson(one))).toBe(JSON.stringify(toJson(two)))
  })
})
