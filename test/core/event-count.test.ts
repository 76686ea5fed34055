/** The number of a record's events is known without making them: for every record that there may be, it is that of those made. */
import { describe, expect, it } from "vitest"
import type { Fact } from "../../src/index.ts"
import type { MergedOutcome } from "../../src/outcome/CommittedCycle.ts"
import { countOf, eventsOf, type LogRecord } from "../../src/outcome/logRecords.ts"
import type { EncodedEffect } from "../../src/program/encoded.ts"

const fact = (id: string): Fact.Fact => ({
  kind: "K",
  id,
  value: { invariant: id, reason: "no", repaired: id === "mended" },
  provenance: { cycle: 1, origin: "agent", agent: "a", each: undefined, since: 0, until: 0, version: 1 }
})
const cause = { _tag: "AgentTimedOut", agent: "a", cycle: 1, timeoutMs: 1 } as const
const counts = [0, 1, 3]
const of = <A>(count: number, make: (n: string) => A): ReadonlyArray<A> =>
  Array.from({ length: count }, (_, n) => make(String(n)))

const effects: ReadonlyArray<EncodedEffect | undefined> = [
  undefined,
  ...counts.flatMap((evaluations) =>
    counts.map((intents) => ({
      facts: [],
      evaluations: of(evaluations, (id) => ({ fact: { kind: "K", id }, score: 1, reason: "" })),
      intents: of(intents, (kind) => ({ kind, payload: null, text: "null" })),
      trace: undefined,
      tokens: 0
    }))
  )
]

const outcomes: ReadonlyArray<MergedOutcome> = effects.flatMap((effect) =>
  [undefined, cause].flatMap((why) =>
    counts.map((facts) => ({ agent: "a", each: undefined, cause: why, effect, facts: of(facts, fact) }))
  )
)

const answers = { agent: "a", each: undefined, cycle: 1, index: 0, kind: "ask" }
const signals: ReadonlyArray<MergedOutcome> = outcomes.flatMap((outcome) => [outcome, { ...outcome, answers }])

const cycle = (tier: number, previousTier: number, violations: number, parts: object): LogRecord => ({
  _tag: "Committed",
  previousTier,
  row: {
    cycle: 1,
    tier,
    agents: [],
    tasks: 0,
    signals: [],
    outcomes: [],
    violations: of(violations, fact),
    version: 0,
    ...parts
  },
  length: 0
})

const records: ReadonlyArray<LogRecord> = [
  ...counts.map((violations): LogRecord => ({
    _tag: "Started",
    program: "p",
    version: 0,
    hash: "",
    seeds: of(2, fact),
    violations: of(violations, fact),
    length: 0
  })),
  ...(["Paused", "Resumed", "Awaiting"] as const).map((_tag): LogRecord => ({ _tag, cycle: 1 })),
  ...(["converged", "failed"] as const).flatMap((status) =>
    [-1, 0, 2].map((tier): LogRecord => ({ _tag: "Halted", cycle: 1, tier, status, version: 0, hash: "", cause }))
  ),
  ...[-1, 0, 1, 3].flatMap((previous) =>
    [0, 1, 3].flatMap((tier) => counts.map((violations) => cycle(tier, previous, violations, {})))
  ),
  ...signals.map((signal) => cycle(0, 0, 0, { signals: [signal] })),
  ...outcomes.map((outcome) => cycle(0, 0, 0, { outcomes: [outcome] })),
  cycle(2, 0, 2, { signals, outcomes })
]

describe("the number of a record's events", () => {
  it("is that of the events that are made of it", () => {
    expect(records.map(countOf)).toEqual(records.map((record) => eventsOf(record, 1).length))
  })
})
