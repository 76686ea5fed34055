/**
 * Rebuilds a job's context from the rows of its journal (G11).
 *
 * The replay applies the committed outcomes again, in the order of the rows. Each fact gets its old commit position and
 * provenance. No agent, invariant or combining function runs again, because the rows have their results. Each row must continue
 * the chain of hashes. The replay stops at the first row that does not, and names it; all rows before it have been replayed.
 *
 * Invariants: after n rows, ledger, marks, counters and log are equal to those after cycle n (G3). Boundary: the pure core; the
 * caller passes the texts of the rows, in order. Long work runs in steps.
 */
import type { Usage } from "../program/Budget.ts"
import type { Fact } from "../program/Fact.ts"
import { Violation } from "../program/Invariant.ts"
import { sha256Pieces } from "../values/sha256.ts"
import { CombinedPairs } from "../cycle/combinedPairs.ts"
import type { Tracker } from "../cycle/tracker.ts"
import type { CommittedIntent } from "../outcome/JobResult.ts"
import type { Cause } from "../outcome/Cause.ts"
import type { CommittedCycle, Counters, MergedOutcome, Uncommutative } from "../outcome/CommittedCycle.ts"
import type { LogRecord } from "../outcome/logRecords.ts"
import { Spent, usageByAgent } from "../outcome/Spent.ts"
import type { Canonical } from "../values/Canonical.ts"
import { describeError } from "../values/panic.ts"
import type { JobContext } from "../context/JobContext.ts"
import { neededAfter, performedIn } from "../cycle/needed.ts"
import { Ledger, type Needed } from "../context/Ledger.ts"
import type { By } from "../context/provenanceOf.ts"
import { noFacts } from "../context/factTable.ts"
import { intentKey, partOf } from "../program/keys.ts"
import { eraseKind, type ErasedKind } from "../program/erased.ts"
import type { EncodedFact } from "../program/encoded.ts"
import type { HaltExtra, JournalHeader, RowExtra } from "./records.ts"
import { reviveCause } from "./causes.ts"
import { type RecordPart, Unreadable } from "./jsonRecord.ts"
import { type DecodedOutcome, decodeGenesis, decodeRow } from "./decode.ts"
import { stepSize } from "../values/steps.ts"
import { Allotments } from "../cycle/sharedBudget.ts"
import { childKind } from "../program/answerKinds.ts"

/** The part of a program that a replay needs. A header has it, too. */
export interface ReplayProgram {
  readonly name: string
  readonly kinds: ReadonlyMap<string, ErasedKind>
  readonly retained: ReadonlyArray<ErasedKind>
  readonly triggers: ReadonlyMap<string, ReadonlyArray<string>>
  /** Whether retention keeps facts that are still needed. In journals of earlier versions it did not. */
  readonly keepsNeeded: boolean
}

/** A row of a journal, as the store returned it. */
export interface ReplayRow {
  readonly cycle: number
  readonly text: string
  readonly hash: string
  readonly extra: string
  readonly isIntact: boolean
}

/** The first place at which a journal differs from the journal that was written. */
export class CorruptRow extends Error {
  override readonly name = "CorruptRow"
  /** 0: the beginning. */
  readonly cycle: number
  readonly part: "cycle" | "hash" | RecordPart | "base"
  readonly expected: string
  readonly found: string
  constructor(cycle: number, part: CorruptRow["part"], expected: string, found: string) {
    super(`${part}: expected ${expected}, found ${found}`)
    this.cycle = cycle
    this.part = part
    this.expected = expected
    this.found = found
  }
}

/** The state of a replay after its last row. */
export class Replay {
  program: ReplayProgram
  ledger: Ledger
  readonly tracker: Tracker
  readonly counters: Counters = { facts: 0, agents: 0, tokens: 0 }
  /** The tokens and cost that agents paid, and the tokens that their committed effects reported. */
  readonly spent = new Spent()
  readonly reported = new Spent()
  /** The mark of each agent, by name: the commit position up to which it has read. */
  readonly marks = new Map<string, number>()
  /** The pairs of values that were combined in effects that were applied. */
  readonly combined = new CombinedPairs()
  /** The number of prunings that each agent has taken note of, by name. */
  readonly prunedMarks = new Map<string, number>()
  /** The agents that have executed. */
  readonly executed = new Set<string>()
  cycle = 0
  tier = -1
  ranMs = 0
  cpuMs = 0
  /** The cause that halts the job after the last cycle. Undefined if the job goes on. */
  halt: Cause | undefined
  /** The extra of the last row. */
  extra: RowExtra | undefined
  /** Intents that a handler performs and that have no answer, by key, in commit order. */
  readonly pending = new Map<string, { readonly intent: CommittedIntent; readonly at: number }>()
  /** The part of the budget that child jobs hold. */
  readonly allotments = new Allotments()
  readonly #kindOf = (name: string): ErasedKind | undefined => this.program.kinds.get(name)
  #isForced = false
  #log: (record: LogRecord) => void = () => {}

  constructor(program: ReplayProgram, tracker: Tracker) {
    this.program = program
    this.ledger = Ledger.make(program.name, program.triggers)
    this.tracker = tracker
  }

  /** Puts the ledger on the job's first context. It is called before `begin`. */
  standOn(context: JobContext): void {
    const { name, triggers } = this.program
    this.ledger = Ledger.make(name, triggers, context)
    if (context.program === name) setMarks(context, this)
  }

  /** The usage of the job after the last row. */
  get usage(): Usage {
    const { counters, cpuMs, cycle, ledger, ranMs, reported, spent } = this
    return {
      ...counters,
      cycles: cycle,
      durationMs: ranMs,
      cpuMs,
      contextBytes: ledger.contextBytes,
      tokens: counters.tokens + spent.tokens,
      cost: spent.cost,
      byAgent: usageByAgent(spent, reported)
    }
  }

  /** Replays the beginning, cycle 0, and returns the input. `log` gets the records of the event log. @throws CorruptRow */
  *begin(
    text: string,
    hash: string,
    header: JournalHeader,
    log: (record: LogRecord) => void
  ): Generator<void, unknown> {
    this.#log = log
    const found = yield* sha256Pieces("", [text])
    if (found !== hash) throw new CorruptRow(0, "hash", found, hash)
    const genesis = yield* reading(0, decodeGenesis(text, header, this.#kindOf))
    this.#isForced = header.isForced
    const seeds = yield* this.#apply([genesis.seeds], 0, 0, "seed")
    this.#isForced = false
    const { beginning } = header
    for (const agent of header.executed) this.executed.add(agent)
    const violations = this.#violate(beginning.violations, 0, 0)
    const row: CommittedCycle = {
      cycle: 0,
      tier: 0,
      agents: [],
      tasks: 0,
      signals: seeds,
      outcomes: [],
      violations,
      version: this.ledger.version
    }
    yield* this.#commit(row, hash, haltOf(beginning.halt, row), 0, noKinds)
    this.tier = -1
    this.#log({
      _tag: "Started",
      program: genesis.program,
      version: this.ledger.version,
      hash,
      seeds: seeds[0]!.facts,
      violations,
      length: text.length
    })
    return genesis.input
  }

  /**
   * Continues with another version of the program, and with a ledger on its context. `migrated` is that context if it was
   * migrated: it has prunings of its own.
   */
  continueOn(program: ReplayProgram, ledger: Ledger, migrated?: JobContext): void {
    if (migrated !== undefined) {
      this.prunedMarks.clear()
      for (const [agent, mark] of migrated.prunedMarks) this.prunedMarks.set(agent, mark)
    }
    this.program = program
    this.ledger = ledger
    this.tracker.continueOn(program)
  }

  /** Replays the next row. A throw changes nothing. @throws CorruptRow */
  *next({ cycle, extra: extraText, hash, isIntact, text }: ReplayRow): Generator<void, void> {
    if (cycle !== this.cycle + 1) throw new CorruptRow(this.cycle + 1, "cycle", String(this.cycle + 1), String(cycle))
    const found = yield* sha256Pieces(`${this.ledger.hash}\n`, [text])
    if (found !== hash) throw new CorruptRow(cycle, "hash", found, hash)
    if (!isIntact) throw new CorruptRow(cycle, "extra", "what was written with the row", "something else")
    const { extra, outcomes, signals, tier, violations } = yield* reading(
      cycle,
      decodeRow(text, extraText, this.#kindOf)
    )
    checkShares(cycle, extra, outcomes)
    const start = this.ledger.version
    const mergedSignals = yield* this.#apply(signals, cycle, 0, "signal")
    const begin = this.ledger.version
    const mergedOutcomes = yield* this.#apply(outcomes, cycle, begin, "agent")
    yield* this.#note(cycle, [...signals, ...outcomes])
    const violated = this.#violate(violations, cycle, start)
    const row: CommittedCycle = {
      cycle,
      tier,
      agents: [...new Set(outcomes.map(({ agent }) => agent))],
      tasks: outcomes.length,
      signals: mergedSignals,
      outcomes: mergedOutcomes,
      violations: violated,
      version: this.ledger.version
    }
    const previousTier = this.tier
    const pruned = this.ledger.prunedCount
    for (const { answers } of mergedSignals) if (answers !== undefined) this.pending.delete(intentKey(answers))
    const { at, children, handled, unperformed } = extra
    yield* this.#commit(row, hash, haltOf(extra.halt, row), begin, handled ?? noKinds, unperformed)
    if (children?.spent !== undefined) {
      const keys = mergedSignals.flatMap(({ answers }) => (answers === undefined ? [] : [intentKey(answers)]))
      this.allotments.settle({ keys: new Set(keys), spent: children.spent })
    }
    if (handled !== undefined) {
      const intents = this.tracker.intentsOf(cycle).filter(({ kind }) => handled.includes(kind))
      for (const intent of intents) this.pending.set(intentKey(intent), { intent, at })
      const asked = children?.shares === undefined ? [] : intents.filter(({ kind }) => kind === childKind)
      children?.shares?.forEach((share, place) => {
        const intent = asked[place]
        if (intent !== undefined) this.allotments.give(intentKey(intent), share)
      })
    }
    for (const agent of row.agents) {
      this.marks.set(agent, begin)
      this.executed.add(agent)
      if (pruned > 0) this.prunedMarks.set(agent, pruned)
    }
    this.counters.agents += outcomes.length
    this.cycle = cycle
    this.tier = tier
    this.ranMs = extra.ranMs
    this.cpuMs = extra.cpuMs
    if (extra.spent !== undefined) this.spent.restore(extra.spent)
    this.extra = extra
    for (const tag of extra.before ?? []) this.#log({ _tag: tag, cycle: cycle - 1 })
    this.#log({ _tag: "Committed", row, previousTier, length: text.length })
  }

  *#commit(
    row: CommittedCycle,
    hash: string,
    halt: Cause | undefined,
    begin: number,
    handled: ReadonlyArray<string>,
    unperformed?: ReadonlyArray<string>
  ): Generator<void, void> {
    const { retained } = this.program
    const pruned = retained.length === 0 ? [] : yield* this.ledger.prune(retained, this.#needed(row, begin, handled))
    yield* this.tracker.commit(row, this.ledger, pruned, halt, unperformed)
    this.halt = halt
    this.ledger.setHash(hash)
  }

  /** The facts that the job still needed when it committed a row. */
  #needed(row: CommittedCycle, begin: number, handled: ReadonlyArray<string>): Needed | undefined {
    const { keepsNeeded, triggers } = this.program
    if (!keepsNeeded) return undefined
    return neededAfter({
      triggers,
      markOf: (agent) => (row.agents.includes(agent) ? begin : (this.marks.get(agent) ?? 0)),
      waiting: [...[...this.pending.values()].map(({ intent }) => intent), ...performedIn(row, handled)],
      ledger: this.ledger
    })
  }

  *#apply(
    outcomes: ReadonlyArray<DecodedOutcome>,
    cycle: number,
    begin: number,
    origin: "seed" | "signal" | "agent"
  ): Generator<void, ReadonlyArray<MergedOutcome>> {
    const merged: Array<MergedOutcome> = []
    let steps = 0
    for (const outcome of outcomes) {
      const { agent, answers, cause, combined, each, effect, part, proposals, uncommutative: places } = outcome
      const isTriggered = origin === "agent" && (this.program.triggers.get(agent)?.length ?? 0) > 0
      const since = isTriggered ? (this.marks.get(agent) ?? 0) : 0
      const by: By = { cycle, origin, agent, each, since, until: isTriggered ? begin : 0, ...partOf(part) }
      const facts: Array<Fact> = []
      const uncommutative = new Map<number, Uncommutative>()
      for (const [place, proposed] of (effect?.facts ?? []).entries()) {
        if (places?.includes(place) === true) {
          const { id, kind, value } = proposed
          const existing = this.ledger.find(kind.name, id)?.value
          uncommutative.set(place, { kind: kind.name, id, existing, proposed: value })
          this.combined.settle(kind.name)
        }
        const fact = this.#add(proposed, combined?.get(place), by)
        if (fact !== undefined) facts.push(fact)
        if (++steps % stepSize === 0) yield
      }
      if (effect !== undefined && effect.tokens > 0) {
        this.counters.tokens += effect.tokens
        this.reported.add(agent, effect.tokens, 0)
      }
      merged.push({
        agent,
        each,
        ...partOf(part),
        cause,
        effect,
        facts: facts.length === 0 ? noFacts : facts,
        ...(uncommutative.size === 0 ? {} : { uncommutative }),
        ...(cause === undefined ? {} : { proposals }),
        ...(answers === undefined ? {} : { answers })
      })
      if (++steps % stepSize === 0) yield
    }
    return merged
  }

  /** Commits a proposal as the merge did, by its kind's rule and the recorded result of a combining function. */
  #add(fact: EncodedFact, combined: Canonical | null | undefined, by: By): Fact | undefined {
    const { because, id, kind, text, value } = fact
    const existing = this.ledger.entry(kind.name, id)
    if (existing === undefined) {
      if (kind.name !== Violation.name) this.counters.facts++
      return this.ledger.add(kind, id, value, text, by, because)
    }
    const isCombined = typeof kind.conflict === "function" && !this.#isForced
    if (existing.text === text) {
      if (isCombined && !this.combined.hasMet(kind.name)) this.combined.repeat(kind.name)
      return undefined
    }
    if (isCombined) this.combined.add(kind.name, 1)
    if (combined === null) return undefined
    if (kind.conflict === "keepFirst" && !this.#isForced) return undefined
    if (combined === undefined) return this.ledger.add(kind, id, value, text, by, because)
    return this.ledger.add(kind, id, combined.value, combined.text, by, because)
  }

  *#note(cycle: number, outcomes: ReadonlyArray<DecodedOutcome>): Generator<void, void> {
    let steps = 0
    for (const outcome of outcomes) {
      const { agent, effect } = outcome
      for (const evaluation of effect?.evaluations ?? []) {
        if (++steps % stepSize === 0) yield
        this.ledger.addEvaluation({ ...evaluation, agent, cycle })
      }
      if (effect?.trace !== undefined) this.ledger.addTrace(cycle, outcome, effect.trace)
    }
  }

  #violate(values: ReadonlyArray<unknown>, cycle: number, since: number): ReadonlyArray<Fact> {
    const kind = eraseKind(Violation)
    const until = this.ledger.version
    return values.map((value) => {
      const { text, value: frozen } = kind.codec.encode(value)
      const name = kind.id(frozen)
      return this.ledger.add(kind, name, frozen, text, {
        cycle,
        origin: "invariant",
        agent: name,
        each: undefined,
        since,
        until
      })
    })
  }
}

/** Refuses a row that does not have a share for each of its child jobs, if it has shares. @throws CorruptRow */
const checkShares = (cycle: number, { children }: RowExtra, outcomes: ReadonlyArray<DecodedOutcome>): void => {
  if (children?.shares === undefined) return
  let asked = 0
  for (const { effect } of outcomes) for (const { kind } of effect?.intents ?? []) if (kind === childKind) asked++
  const { length } = children.shares
  if (length !== asked) throw new CorruptRow(cycle, "extra", `${asked} shares of child jobs`, `${length} shares`)
}
const noKinds: ReadonlyArray<string> = Object.freeze([])

/** Runs the steps that decode a row. Any error that they throw becomes a `CorruptRow`. */
function* reading<A>(cycle: number, steps: Generator<void, A>): Generator<void, A> {
  try {
    return yield* steps
  } catch (error) {
    const part = error instanceof Unreadable ? error.part : "text"
    // The extra of the beginning is in the header.
    const where = cycle === 0 && part === "extra" ? "header" : part
    throw new CorruptRow(cycle, where, "what this version writes", describeError(error))
  }
}

/** Returns the cause that halts. It is the same object as its outcome's cause, so that the tracker can tell it from others. */
const haltOf = (halt: HaltExtra | undefined, row: CommittedCycle): Cause | undefined => {
  if (halt === undefined) return undefined
  if ("cause" in halt) return reviveCause(halt.cause)
  const [where, place] = halt
  return (where === "signal" ? row.signals : row.outcomes)[place]?.cause
}

/** The marks of agents in a context, or in a replay of one. */
interface Marks {
  readonly marks: Map<string, number>
  readonly prunedMarks: Map<string, number>
}

/** Hands the marks of a context or a replay on to another. */
export const setMarks = (from: Marks, to: Marks): void => {
  for (const [agent, mark] of from.marks) to.marks.set(agent, mark)
  for (const [agent, mark] of from.prunedMarks) to.prunedMarks.set(agent, mark)
}
