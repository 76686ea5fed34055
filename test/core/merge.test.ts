/**
 * The merge and the counted budgets (M1 to M4, B2): cycles of random effects, against a model that follows the rules with a
 * plain map.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Agent, Fact } from "../../src/index.ts"
import { encodeFact } from "../../src/cycle/encodeEffect.ts"
import { CycleMerge } from "../../src/cycle/merge.ts"
import { ownLimits } from "../../src/cycle/sharedBudget.ts"
import { compile, emptyLedger, numbered, type Numbered } from "../support/core/ledger.ts"
import { type Random, randomOf } from "../support/core/random.ts"
import type { Counters, MergedOutcome, TaskOutcome } from "../../src/outcome/CommittedCycle.ts"
import type { Ledger } from "../../src/context/Ledger.ts"
import { type InSteps, isUnderWay, runSteps } from "../../src/values/steps.ts"
import type { EncodedEffect, EncodedFact } from "../../src/program/encoded.ts"
import { resolveBudget } from "../../src/program/resolveBudget.ts"
import { eraseKind } from "../../src/program/erased.ts"
import { discardAll } from "../support/core/lenient.ts"

const finished = (merged: InSteps<MergedOutcome>): MergedOutcome => (isUnderWay(merged) ? runSteps(merged) : merged)

const max = (a: Numbered, b: Numbered): Numbered => (a.n >= b.n ? a : b)
const kinds = [
  numbered("Reject"),
  numbered("First", { conflict: "keepFirst" }),
  numbered("Last", { conflict: "keepLast" }),
  numbered("Max", { conflict: max })
]
const agents = ["zoe", "adam", "mia"].map((name, index) =>
  Agent.make(name, {
    writes: kinds,
    onFailure: index === 2 ? "halt" : discardAll,
    execute: () => Effect.succeed({})
  })
)
const program = compile(agents)

interface Proposed {
  readonly kind: Fact.Kind.Any
  readonly id: string
  readonly n: number
}

interface Planned {
  readonly agent: number
  readonly proposals: ReadonlyArray<Proposed>
  readonly tokens: number
  /** An evaluation of a fact by this id, of the first kind. */
  readonly evaluates: string | undefined
}

const textOf = ({ id, n }: Proposed) => `{"id":"${id}","n":${n}}`

const encode = ({ id, kind, n }: Proposed): EncodedFact => encodeFact(eraseKind(kind), { id, n }, "a proposal")

const effectOf = (planned: Planned): EncodedEffect => ({
  facts: planned.proposals.map(encode),
  intents: [],
  evaluations:
    planned.evaluates === undefined
      ? []
      : [{ fact: { kind: "Reject", id: planned.evaluates }, score: 1, reason: "fine" }],
  trace: undefined,
  tokens: planned.tokens
})

/* ---------------------------------------------------------------- the model */

interface Held {
  readonly n: number
  readonly version: number
  readonly agent: string
}

interface State {
  readonly facts: Map<string, Held>
  version: number
  counters: Counters
  evaluations: number
}

const keyOf = ({ id, kind }: Proposed) => `${kind.name}/${id}`

const bytesOf = (state: State) => {
  let bytes = 0
  for (const [key, { n }] of state.facts) bytes += `{"id":"${key.split("/")[1]!}","n":${n}}`.length
  return bytes
}

type Budgets = { readonly facts: number; readonly tokens: number; readonly contextBytes: number }

/** The rules M2, M3 and B2, written a second time. Returns the tag of the cause for which the effect is discarded, if it is. */
const apply = (state: State, planned: Planned, budgets: Budgets): string | undefined => {
  const agent = agents[planned.agent]!.name
  const after: State = { ...state, facts: new Map(state.facts), counters: { ...state.counters } }
  let added = 0
  for (const proposed of planned.proposals) {
    const held = state.facts.get(keyOf(proposed))
    if (held === undefined) added++
    else if (held.n === proposed.n || proposed.kind.name === "First") continue
    else if (proposed.kind.name === "Reject") return `MergeConflict ${held.agent} ${agent}`
    else if (proposed.kind.name === "Max" && held.n >= proposed.n) continue
    after.facts.delete(keyOf(proposed))
    after.facts.set(keyOf(proposed), { n: proposed.n, version: ++after.version, agent })
  }
  after.counters.facts += added
  after.counters.tokens += planned.tokens
  if (added > 0 && after.counters.facts > budgets.facts) return "BudgetExhausted facts"
  if (planned.tokens > 0 && after.counters.tokens > budgets.tokens) return "BudgetExhausted tokens"
  if (bytesOf(after) > budgets.contextBytes) return "BudgetExhausted contextBytes"
  if (planned.evaluates !== undefined) {
    if (!after.facts.has(`Reject/${planned.evaluates}`)) return "InvalidEffect"
    after.evaluations++
  }
  Object.assign(state, after)
  return undefined
}

/* ---------------------------------------------------------------- random cycles */

const plan = (random: Random, agent: number): Planned => {
  const proposals = new Map<string, Proposed>()
  for (let count = random.below(5); count > 0; count--) {
    const proposed = { kind: kinds[random.below(4)]!, id: "abcdefgh"[random.below(8)]!, n: random.below(4) }
    proposals.set(keyOf(proposed), proposed)
  }
  return {
    agent,
    proposals: [...proposals.values()],
    tokens: random.below(3),
    evaluates: random.below(4) === 0 ? "abcdefgh"[random.below(8)]! : undefined
  }
}

const snapshot = (ledger: Ledger) =>
  kinds.flatMap((kind) =>
    ledger.all(kind).map(({ id, provenance, value }) => [kind.name, id, value.n, provenance.version, provenance.agent])
  )

const snapshotOf = (state: State) =>
  kinds.flatMap((kind) =>
    [...state.facts]
      .filter(([key]) => key.startsWith(`${kind.name}/`))
      .sort(([, a], [, b]) => a.version - b.version)
      .map(([key, { agent, n, version }]) => [kind.name, key.split("/")[1], n, version, agent])
  )

const describeCause = (cause: unknown): string | undefined => {
  const it = cause as { _tag: string; agents?: ReadonlyArray<string>; budget?: string } | undefined
  return it === undefined
    ? undefined
    : [it._tag, ...(it.agents ?? []), ...(it.budget === undefined ? [] : [it.budget])].join(" ")
}

const evaluationsIn = (ledger: Ledger): number => [...ledger.evaluationsAfter(0)].length

const runSeed = (seed: number): void => {
  const random = randomOf(seed)
  const limits: Budgets = {
    facts: random.below(3) === 0 ? random.below(30) : Infinity,
    tokens: random.below(3) === 0 ? random.below(30) : Infinity,
    contextBytes: random.below(3) === 0 ? random.below(600) : Infinity
  }
  const budget = resolveBudget("test", {
    maxFacts: limits.facts,
    maxTokens: limits.tokens,
    maxContextBytes: limits.contextBytes
  })
  const ledger = emptyLedger()
  const counters: Counters = { facts: 0, agents: 0, tokens: 0 }
  let state: State = { facts: new Map(), version: 0, counters: { ...counters }, evaluations: 0 }
  for (let cycle = 1; cycle <= 8; cycle++) {
    const merge = new CycleMerge(cycle, program, ledger, ownLimits(budget), counters)
    const begin = ledger.version
    const before: State = { ...state, facts: new Map(state.facts), counters: { ...state.counters } }
    let halt: string | undefined
    let crossed: string | undefined
    for (let agent = 0; agent < agents.length; agent++) {
      for (let task = random.below(4); task > 0; task--) {
        const planned = plan(random, agent)
        const outcome: TaskOutcome = {
          agent: program.agents[agent]!,
          each: undefined,
          since: 0,
          cpuMs: 0,
          result: effectOf(planned)
        }
        state.counters.agents++
        const refused = crossed ?? apply(state, planned, limits)
        if (refused?.startsWith("Budget") === true) crossed = refused
        if (refused !== undefined && (crossed !== undefined || agent === 2)) halt ??= refused
        const merged = finished(merge.merge(outcome, begin))
        expect(describeCause(merged.cause)).toBe(refused)
        if (refused !== undefined) expect(merged.facts).toEqual([])
        expect(snapshot(ledger)).toEqual(snapshotOf(state))
        expect(ledger.version).toBe(state.version)
        expect(counters).toEqual(state.counters)
      }
    }
    expect(describeCause(merge.halt)).toBe(halt)
    expect(merge.crossed).toBe(crossed !== undefined)
    if (random.below(5) === 0) {
      merge.discard()
      state = before
    } else {
      const row = runSteps(merge.finish(0, []))
      runSteps(merge.commit())
      expect(row.version).toBe(state.version)
    }
    expect(snapshot(ledger)).toEqual(snapshotOf(state))
    expect(ledger.contextBytes).toBe(bytesOf(state))
    expect(evaluationsIn(ledger)).toBe(state.evaluations)
    expect(counters).toEqual(state.counters)
    expect(counters.facts).toBeLessThanOrEqual(limits.facts)
    expect(counters.tokens).toBeLessThanOrEqual(limits.tokens)
    expect(ledger.contextBytes).toBeLessThanOrEqual(limits.contextBytes)
  }
}

describe("any cycles of effects", () => {
  it("leave what the rules say, and never more than the budgets allow", () => {
    for (let seed = 1; seed <= 150; seed++) {
      try {
        runSeed(seed)
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error })
      }
    }
  })
})

describe("a cycle that is not committed", () => {
  it("leaves the ledger and the counters as they were, evaluations and traces too", () => {
    const ledger = emptyLedger()
    const counters: Counters = { facts: 3, agents: 5, tokens: 7 }
    const merge = new CycleMerge(1, program, ledger, ownLimits(resolveBudget("test")), counters)
    const planned = { agent: 0, proposals: [{ kind: kinds[0]!, id: "a", n: 1 }], tokens: 2, evaluates: "a" }
    const result = { ...effectOf(planned), trace: { why: 1 } }
    const task = { agent: program.agents[0]!, each: undefined, since: 0, cpuMs: 0, result }
    runSteps(merge.stage(effectOf({ ...planned, evaluates: undefined }), "signal"))
    finished(merge.merge(task, 0))
    expect(ledger.version).toBe(1)
    merge.discard()
    expect(ledger.version).toBe(0)
    expect(ledger.contextBytes).toBe(0)
    expect(evaluationsIn(ledger)).toBe(0)
    expect(counters).toEqual({ facts: 3, agents: 5, tokens: 7 })
  })
})

describe("the text of a fact", () => {
  it("is what the merge compares", () => {
    const [a, b] = [encode({ kind: kinds[0]!, id: "x", n: 0 }), encode({ kind: kinds[0]!, id: "x", n: -0 })]
    expect(a.text).toBe(b.text)
    expect(a.text).toBe(textOf({ kind: kinds[0]!, id: "x", n: 0 }))
  })
})
