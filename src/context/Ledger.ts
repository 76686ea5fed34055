/**
 * A context that is still written to: the engine's, or a worker's replica.
 *
 * Invariants: a layer stores only its own facts; a rollback restores what was there; a sealed ledger refuses writes (G1).
 * Boundary: the pure core.
 */
import type { Fact, Kind, Provenance } from "../program/Fact.ts"
import { type By, provenanceOf } from "./provenanceOf.ts"
import { type FactEntry, Table, utf8Length, noFacts } from "./factTable.ts"
import { Limits } from "../Limits.ts"
import type { CommittedEvaluation, View } from "../program/View.ts"
import { withView } from "./contextView.ts"
import { JobContext } from "./JobContext.ts"
import type { JobIdentity } from "./jobIdentity.ts"
import { lightStepSize, runSteps, stepSize } from "../values/steps.ts"
import type { Story } from "./stories.ts"
import { refKey, traceKey, type TracedTask } from "../program/keys.ts"
import type { EncodedFact } from "../program/encoded.ts"
import type { ErasedKind, Sees } from "../program/erased.ts"
import { deepFreeze } from "../values/frozen.ts"

/** The facts that retention must not prune yet. */
export interface Needed {
  /** The position up to which every agent that facts of a kind trigger has consumed them. */
  readonly readUpTo: (kind: string) => number
  /** Whether something waits for a fact that has been read. */
  readonly isHeld: (entry: FactEntry) => boolean
}

const nothingNeeded: Needed = { readUpTo: () => Infinity, isHeld: () => false }
const noPositions: ReadonlyArray<number> = Object.freeze([])
const nothingTouched: ReadonlyArray<string> = Object.freeze([])

/** A context that is still written to. */
export class Ledger extends JobContext {
  /** The job that writes here, or wrote. Undefined for a context that was read from its parts. */
  job: JobIdentity | undefined
  private sealed = false
  private deltas: Map<string, ReadonlyArray<Fact>> | undefined
  private deltasAt = -1
  /** Tables that were written to since the last `takeTouched`. */
  private touched: Array<Table> = []

  /** An empty ledger, or one that stands on a sealed context. */
  static make(program: string, triggers: ReadonlyMap<string, ReadonlyArray<string>>, base?: JobContext): Ledger {
    return new Ledger(program, triggers, base !== undefined && base instanceof Ledger ? base.flattened() : base)
  }

  override read<A>(sees: Sees, body: (view: View<Kind.Any>) => A): A {
    return withView({ ...sees, ledger: this, since: 0, cycle: 0 }, body)
  }

  setHash(hash: string): void {
    this.chain = hash
  }

  /** The live entry of a fact. */
  entry(kind: string, id: string): FactEntry | undefined {
    return this.tables.get(kind)?.find(id)
  }

  /** The table of a kind, if it has facts. */
  table(kind: string): Table | undefined {
    return this.tables.get(kind)
  }

  /** The entry that this layer committed at a position. Not for replicas, whose positions have gaps. */
  entryAt(position: number): FactEntry | undefined {
    return this.order[position - (this.base?.version ?? 0) - 1]
  }

  /** Live entries of a kind after a position, in commit order. Costs their number. */
  delta(kind: string, since: number): ReadonlyArray<FactEntry> {
    return this.tables.get(kind)?.after(since) ?? []
  }

  /** The facts of a delta, as a frozen array. All calls at one version share the array. */
  deltaFacts(kind: string, since: number): ReadonlyArray<Fact> {
    if (this.deltas === undefined || this.deltasAt !== this.head) {
      this.deltas = new Map()
      this.deltasAt = this.head
    }
    const key = `${since}/${kind}`
    let facts = this.deltas.get(key)
    if (facts === undefined) {
      facts = Object.freeze(this.delta(kind, since).map((entry) => entry.fact))
      this.deltas.set(key, facts)
    }
    return facts
  }

  /** The commit position of the newest live fact of a kind, or 0. */
  newest(kind: string): number {
    return this.tables.get(kind)?.newest() ?? 0
  }

  /** The names of the kinds that were written to or pruned since the last call, even if the write was undone. */
  takeTouched(): ReadonlyArray<string> {
    if (this.touched.length === 0) return nothingTouched
    const names = this.touched.map((table) => table.kind.name)
    for (const table of this.touched) table.isTouched = false
    this.touched = []
    return names
  }

  /** Adds a fact, or revises the one that holds its id. The caller has resolved any conflict. */
  add(kind: ErasedKind, id: string, value: unknown, text: string, by: By, because?: ReadonlyArray<number>): Fact {
    return this.addAt(kind, id, value, text, provenanceOf(this.head + 1, by, because))
  }

  /** As `add`, for a caller that has looked up the live entry of the id: in a large context, the look-up costs the most. */
  addOver(previous: FactEntry | undefined, { because, id, kind, text, value }: EncodedFact, by: By): Fact {
    const provenance = provenanceOf(this.head + 1, by, because)
    const fact: Fact = Object.freeze({ kind: kind.name, id, value, provenance })
    this.insert(kind, { fact, text, position: provenance.version, previous })
    return fact
  }

  /** Adds a fact with a given version: replicas hold some kinds only, so their positions have gaps. */
  addAt(kind: ErasedKind, id: string, value: unknown, text: string, provenance: Provenance): Fact {
    const fact: Fact = Object.freeze({ kind: kind.name, id, value, provenance })
    this.insert(kind, { fact, text, position: provenance.version, previous: this.entry(kind.name, id) })
    return fact
  }

  /** Sets a replica's version to the version of the context that it follows. */
  advanceTo(version: number): void {
    this.head = version
  }

  private insert(kind: ErasedKind, entry: FactEntry): void {
    if (this.sealed) throw new Error("a sealed context was written to")
    let table = this.tables.get(kind.name)
    if (table === undefined) this.tables.set(kind.name, (table = new Table(kind, undefined)))
    if (entry.previous === undefined) table.live++
    else this.bytes -= utf8Length(entry.previous.text)
    const bytes = utf8Length(entry.text)
    this.bytes += bytes
    this.committed += bytes
    this.touch(table)
    table.log.push(entry)
    table.index.set(entry.fact.id, entry)
    table.change()
    this.order.push(entry)
    this.head = entry.position
  }

  private touch(table: Table): void {
    if (table.isTouched) return
    table.isTouched = true
    this.touched.push(table)
  }

  private notePruning(table: Table, entry: FactEntry, at: number): void {
    this.prunings.push({ entry, at })
    table.prunedAt = this.prunedCount
  }

  /** The number of prunings, of all kinds, when retention last pruned a fact of a kind; 0 if it never did. */
  lastPruned(kind: string): number {
    return this.tables.get(kind)?.prunedAt ?? 0
  }

  /** Undoes everything after a version, newest first. The version must not be older than the last pruning. */
  rollback(version: number): void {
    this.deltas = undefined
    for (let entry = this.order.at(-1); entry !== undefined && entry.position > version; entry = this.order.at(-1)) {
      const table = this.tableOf(entry.fact.kind)
      this.order.pop()
      table.log.pop()
      table.change()
      table.undoIndexes(entry)
      const bytes = utf8Length(entry.text)
      this.bytes -= bytes
      this.committed -= bytes
      if (entry.previous === undefined) {
        // Nothing was there before, or only a fact of an earlier context that retention had pruned.
        if (table.base?.find(entry.fact.id) === undefined) table.index.delete(entry.fact.id)
        else table.index.set(entry.fact.id, null)
        table.live--
      } else {
        this.bytes += utf8Length(entry.previous.text)
        if (table.base?.find(entry.fact.id) === entry.previous) table.index.delete(entry.fact.id)
        else table.index.set(entry.fact.id, entry.previous)
      }
    }
    this.head = version
  }

  /**
   * Prunes kinds that have a retention to their newest facts, in steps, but for facts that are still needed. Returns what was
   * pruned: kind by kind, oldest first.
   */
  *prune(kinds: Iterable<ErasedKind>, needed: Needed = nothingNeeded): Generator<void, ReadonlyArray<FactEntry>> {
    const pruned: Array<FactEntry> = []
    for (const { name, retention } of kinds) {
      if (retention === "all") continue
      while (!this.pruneTo(name, retention.latest, needed, lightStepSize, pruned)) yield
    }
    return pruned
  }

  /**
   * Prunes a kind to its newest facts: looks at up to so many `parts`, oldest first, and adds what it prunes to `pruned`. Facts
   * that are needed stay. Returns whether it is done.
   */
  pruneTo(
    kind: string,
    latest: number,
    needed: Needed = nothingNeeded,
    parts = Infinity,
    pruned: Array<FactEntry> = []
  ): boolean {
    const table = this.tables.get(kind)
    if (table === undefined || table.live <= latest) return true
    const readUpTo = needed.readUpTo(kind)
    const drop = (entry: FactEntry): void => {
      this.deltas = undefined
      table.index.set(entry.fact.id, null)
      table.live--
      table.change()
      this.bytes -= utf8Length(entry.text)
      this.notePruning(table, entry, this.head)
      this.touch(table)
      pruned.push(entry)
    }
    if (table.passed.length > 0) {
      table.passed = table.passed.filter((entry) => {
        if (!table.isLive(entry)) return false
        if (needed.isHeld(entry)) return true
        drop(entry)
        return false
      })
    }
    const inherited = table.base?.all() ?? noFacts
    for (let left = parts; table.live - table.passed.length > latest; left--) {
      if (left === 0) return false
      const place = table.oldest
      const fact = inherited[place]
      const entry = fact === undefined ? table.log[place - inherited.length] : table.base?.find(fact.id)
      if (entry !== undefined && entry.position > readUpTo) return true
      table.oldest++
      if (entry === undefined || !table.isLive(entry)) continue
      if (needed.isHeld(entry)) table.passed.push(entry)
      else drop(entry)
    }
    return true
  }

  /** The positions of old facts of a kind that retention passed over. */
  passedOver(kind: string): ReadonlyArray<number> {
    const table = this.tables.get(kind)
    if (table === undefined) return noPositions
    return table.passed.filter((entry) => table.isLive(entry)).map(({ position }) => position)
  }

  addEvaluation(evaluation: CommittedEvaluation): void {
    const key = refKey(evaluation.fact)
    this.scores ??= new Map()
    const present = this.scores.get(key)
    this.evaluated.push(deepFreeze(evaluation))
    if (present === undefined) this.scores.set(key, [evaluation])
    else present.push(evaluation)
  }

  /** Undoes the evaluations after the first `count`. */
  forgetEvaluations(count: number): void {
    while (this.evaluationCount > count) {
      const last = this.evaluated.pop()
      if (last === undefined) return
      this.scores?.get(refKey(last.fact))?.pop()
    }
  }

  addTrace(cycle: number, task: TracedTask, trace: unknown): void {
    this.traces ??= new Map()
    this.traces.set(traceKey(cycle, task), deepFreeze(trace))
  }

  /** Ends all writes: from here on the context is a value. */
  seal(): JobContext {
    this.sealed = true
    this.deltas = undefined
    return this
  }

  /** This context, or a copy in one layer if it stands on `Limits.contextLayers` of them. */
  private flattened(): JobContext {
    if (this.depth < Limits.contextLayers) return this
    return Ledger.rebuild({
      program: this.program,
      triggers: this.triggers,
      hash: this.chain,
      version: this.head,
      history: this.history(),
      evaluations: this.evaluationsAfter(0),
      isLive: (kind, id) => this.find(kind, id) !== undefined,
      marks: this.marks,
      prunedMarks: this.prunedMarks,
      prunings: [...this.pruningsAfter(0)].map(({ at, entry }) => [entry.position, at]),
      stories: this.knownStories()
    })
  }

  /** A sealed context in one layer, from all that was ever committed to it. */
  static rebuild(parts: ContextParts): JobContext {
    return runSteps(Ledger.rebuilding(parts))
  }

  /** Does the same in steps. */
  static *rebuilding(parts: ContextParts): Generator<void, JobContext> {
    let steps = 0
    const copy = new Ledger(parts.program, parts.triggers, undefined)
    const prunings = [...(parts.prunings ?? [])]
    let pruned = 0
    // A fact that was pruned and came again was not revised, so its earlier entry has to be gone by then.
    const pruneBefore = (position: number): void => {
      for (let next = prunings[pruned]; next !== undefined && next[1] < position; next = prunings[++pruned]) {
        copy.dropAt(...next)
      }
    }
    for (const { fact, kind, text } of parts.history) {
      const position = fact.provenance.version
      pruneBefore(position)
      const previous = copy.entry(kind.name, fact.id)
      copy.insert(kind, { fact, text, position, previous })
      if (++steps % stepSize === 0) yield
    }
    pruneBefore(Infinity)
    for (const evaluation of parts.evaluations) copy.addEvaluation(evaluation)
    for (const [name, table] of copy.tables) {
      for (const id of [...table.index.keys()]) {
        if (!parts.isLive(name, id)) copy.drop(name, id)
        if (++steps % lightStepSize === 0) yield
      }
    }
    for (const [agent, mark] of parts.marks) copy.marks.set(agent, mark)
    for (const [agent, mark] of parts.prunedMarks ?? []) copy.prunedMarks.set(agent, mark)
    copy.head = parts.version
    copy.stories = parts.stories
    copy.chain = parts.hash
    return copy.seal()
  }

  /** Prunes the entry of a position, as it was pruned at a version. */
  private dropAt(position: number, at: number): void {
    const entry = this.entryOf(position)
    if (entry === undefined) return
    const table = this.tableOf(entry.fact.kind)
    if (table.isLive(entry)) this.drop(entry.fact.kind, entry.fact.id)
    this.notePruning(table, entry, at)
  }

  private drop(kind: string, id: string): void {
    const table = this.tables.get(kind)
    const entry = table?.find(id)
    if (table === undefined || entry === undefined) return
    table.index.set(id, null)
    table.live--
    table.change()
    this.bytes -= utf8Length(entry.text)
  }
}

/** The parts that a context is rebuilt from: its history, and all that is not in its facts. */
export interface ContextParts {
  readonly program: string
  readonly triggers: ReadonlyMap<string, ReadonlyArray<string>>
  readonly hash: string
  /** The version, which may be later than that of the newest fact. */
  readonly version: number
  readonly history: Iterable<{ readonly kind: ErasedKind; readonly fact: Fact; readonly text: string }>
  readonly evaluations: Iterable<CommittedEvaluation>
  /** Whether a fact that was committed is still there: retention may have pruned it. */
  readonly isLive: (kind: string, id: string) => boolean
  readonly marks: Iterable<readonly [agent: string, mark: number]>
  readonly prunedMarks?: Iterable<readonly [agent: string, mark: number]> | undefined
  /** The pruned facts, in order. Left out if they are not known: then the facts that are not live are dropped at the end. */
  readonly prunings?: ReadonlyArray<readonly [position: number, at: number]> | undefined
  readonly stories: ReadonlyArray<Story>
}
