/**
 * The context: facts in commit order, indexed by kind and id, with versions and deltas.
 *
 * A version is a commit position. Each addition and each revision takes the next one, so the facts that are new since a
 * version are the tail of a log, and finding them costs their number (G5). A context can stand on an earlier, sealed one, such
 * as the `context` of an earlier result. It then holds only new facts, so starting it costs nothing, however large the earlier
 * one is.
 *
 * A `JobContext` is read only. `Ledger` extends it and writes; it belongs to the engine until the job halts and it is sealed.
 *
 * Invariants: positions are consecutive; an entry is live in at most one place; a sealed ledger never changes (G1).
 * Boundary: the pure core: no Effect, no clock, no I/O, no schema.
 */
import * as Option from "effect/Option"
import { type Fact, type FactOf, type FactRef, type Kind } from "../program/Fact.ts"
import { type FactEntry, firstAfter, Table, noFacts } from "./factTable.ts"
import { isKey } from "./keyIndex.ts"
import type { CommittedEvaluation, View } from "../program/View.ts"
import type { Story } from "./stories.ts"
import { refKey, traceKey } from "../program/keys.ts"
import type { ErasedKind, Sees } from "../program/erased.ts"
import { plainKind } from "../program/kindClass.ts"
import { typeOf } from "../values/panic.ts"

/** An immutable set of facts, as a job left it. Readers see facts in commit order. */
export class JobContext {
  protected readonly base: JobContext | undefined
  protected readonly tables = new Map<string, Table>()
  protected readonly order: Array<FactEntry> = []
  /** Evaluations by fact. Like `traces`, made for the first entry: many contexts have neither. */
  protected scores: Map<string, Array<CommittedEvaluation>> | undefined
  /** The evaluations of this layer, in commit order. */
  protected readonly evaluated: Array<CommittedEvaluation> = []
  protected traces: Map<string, unknown> | undefined
  protected readonly triggers: ReadonlyMap<string, ReadonlyArray<string>>
  /**
   * The stories of earlier jobs, oldest first, in a context that joins their layers. Each job has one of its own, because
   * numbers of cycles and names of agents recur from job to job.
   */
  protected stories: ReadonlyArray<Story> = []
  /** The version up to which each agent had read when the job halted, by its name. See `Engine.start`, option `context`. */
  readonly marks: Map<string, number> = new Map()
  /** The number of prunings that each agent had taken note of, by its name. Folds need it. */
  readonly prunedMarks: Map<string, number> = new Map()
  /** The facts that retention has pruned from this layer, in order, each with the version at that time. */
  protected readonly prunings: Array<Pruning> = []
  readonly program: string
  protected readonly depth: number
  protected head: number
  protected bytes: number
  protected committed: number
  protected chain: string

  constructor(program: string, triggers: ReadonlyMap<string, ReadonlyArray<string>>, base: JobContext | undefined) {
    this.program = program
    this.triggers = triggers
    this.base = base
    this.depth = base === undefined ? 0 : base.depth + 1
    this.head = base?.head ?? 0
    this.bytes = base?.bytes ?? 0
    this.committed = base?.committed ?? 0
    this.chain = base?.chain ?? ""
    if (base !== undefined)
      for (const table of base.tables.values()) this.tables.set(table.kind.name, new Table(table.kind, table))
  }

  /** The commit position of the newest fact; 0 for an empty context. */
  get version(): number {
    return this.head
  }

  /** The chained hash of everything that was committed, in hexadecimal. */
  get hash(): string {
    return this.chain
  }

  /** UTF-8 bytes of the canonical text of all facts. */
  get contextBytes(): number {
    return this.bytes
  }

  /** UTF-8 bytes of all that was ever committed. Facts that were revised or pruned are held with the others. */
  get historyBytes(): number {
    return this.committed
  }

  /** All facts of a kind, in commit order: a frozen array. */
  all<K extends Kind.Any>(kind: K): ReadonlyArray<FactOf<K>> {
    return (this.tables.get(plainKind(kind).name)?.all() ?? noFacts) as ReadonlyArray<FactOf<K>>
  }

  /** The fact of a kind with this id. */
  get<K extends Kind.Any>(kind: K, id: Kind.Id<K>): Option.Option<FactOf<K>> {
    const entry = this.tables.get(plainKind(kind).name)?.find(id)
    return entry === undefined ? noFact : Option.some(entry.fact as FactOf<K>)
  }

  /**
   * The facts of a kind that have this key in one of its indexes, in commit order: a frozen array.
   *
   * @throws what the index's function throws, and TypeError if the kind has no such index or the function gives no key
   */
  by<K extends Kind.Any, Index extends keyof Kind.Keys<K> & string>(
    kind: K,
    index: Index,
    key: Kind.Keys<K>[Index]
  ): ReadonlyArray<FactOf<K>> {
    const { indexes, name } = plainKind<ErasedKind>(kind)
    const keyOf = Object.hasOwn(indexes, index) ? indexes[index] : undefined
    if (keyOf === undefined) throw new TypeError(noIndex(name, index, Object.keys(indexes)))
    const table = this.tables.get(name)
    const label = `the index ${JSON.stringify(index)} of ${name}`
    // The types of the kind's keys are forgotten here: a key of another type is in no bucket.
    const asked: unknown = key
    if (!isKey(asked)) {
      throw new TypeError(`${label} was asked for ${typeOf(asked)}: a key is a text, a number or a boolean`)
    }
    return (table?.by(keyOf, label, asked) ?? noFacts) as ReadonlyArray<FactOf<K>>
  }

  /** The number of facts of a kind. */
  size(kind: Kind.Any): number {
    return this.tables.get(plainKind(kind).name)?.live ?? 0
  }

  /** The fact with this id, of the kind with this name. */
  find(kind: string, id: string): Fact | undefined {
    return this.tables.get(kind)?.find(id)?.fact
  }

  /** The number of facts of each kind that has any, by name, in the order of the names. */
  counts(): Readonly<Record<string, number>> {
    const live = [...this.tables.values()].filter((table) => table.live > 0)
    return Object.fromEntries(
      live.map((table) => [table.kind.name, table.live] as const).sort(([a], [b]) => (a < b ? -1 : 1))
    )
  }

  /** Gives a function a view of some kinds. The view may be used while the function runs. */
  read<A>(_sees: Sees, _body: (view: View<Kind.Any>) => A): A {
    throw new Error("only a ledger can be viewed")
  }

  /** All facts of all kinds, in commit order. */
  facts(): ReadonlyArray<Fact> {
    return [...this.tables.values()]
      .flatMap((table) => table.all())
      .sort((a, b) => a.provenance.version - b.provenance.version)
  }

  /** All facts of all kinds with the canonical text of their values, in commit order. */
  encoded(): ReadonlyArray<{ readonly fact: Fact; readonly text: string }> {
    return [...this.tables.values()]
      .flatMap((table) => table.after(0))
      .sort((a, b) => a.position - b.position)
      .map(({ fact, text }) => ({ fact, text }))
  }

  /** Live entries of a kind after a position, in commit order, one at a time. Do not write while you walk. */
  *liveAfter(kind: string, since: number): Generator<FactEntry, void> {
    const table = this.tables.get(kind)
    if (table !== undefined) yield* table.stream(since, table)
  }

  /** The evaluations of a fact, in commit order. */
  evaluations(ref: FactRef): ReadonlyArray<CommittedEvaluation> {
    const own = this.scores?.get(refKey(ref))
    const below = this.base?.evaluations(ref) ?? noEvaluations
    return own === undefined ? below : Object.freeze([...below, ...own])
  }

  /** The number of evaluations, of facts of any kind. */
  get evaluationCount(): number {
    return (this.base?.evaluationCount ?? 0) + this.evaluated.length
  }

  /** The evaluations after the first `count`, in commit order. */
  *evaluationsAfter(count: number): Generator<CommittedEvaluation, void> {
    const below = this.base?.evaluationCount ?? 0
    if (this.base !== undefined && count < below) yield* this.base.evaluationsAfter(count)
    yield* this.evaluated.slice(Math.max(0, count - below))
  }

  /** The trace of the execution that added a fact: what its agent says of it. */
  traceOf(fact: Fact): unknown {
    const { cycle, version } = fact.provenance
    if (this.base !== undefined && version <= this.base.version) return this.base.traceOf(fact)
    return this.storyOf(version).traces?.get(traceKey(cycle, fact.provenance))
  }

  /**
   * The causes of a fact: the reasons that its agent gave, in its order, or else the facts that made its task eligible, in
   * commit order. They are as they were then. A reason that a migration dropped is left out.
   */
  causesOf(fact: Fact): ReadonlyArray<Fact> {
    const { agent, because, each, origin, since, until, version } = fact.provenance
    if (origin !== "agent") return []
    if (because !== undefined) return because.flatMap((position) => this.entryOf(position)?.fact ?? [])
    if (this.base !== undefined && version <= this.base.version) return this.base.causesOf(fact)
    if (each !== undefined) {
      const entry = this.tables.get(each.kind)?.asOf(each.id, until)
      return entry === undefined || entry.position <= since ? [] : [entry.fact]
    }
    const kinds = this.storyOf(version).triggers.get(agent) ?? []
    const entries = kinds.flatMap((name) => this.tables.get(name)?.between(since, until) ?? [])
    // The agent saw the latest of an id's revisions.
    const latest = new Map(entries.map((entry) => [refKey(entry.fact), entry]))
    return [...latest.values()].sort((a, b) => a.position - b.position).map((entry) => entry.fact)
  }

  /** All that was ever committed, revised and pruned facts included, in commit order. */
  *history(): Generator<{ readonly kind: ErasedKind; readonly fact: Fact; readonly text: string }, void> {
    if (this.base !== undefined) yield* this.base.history()
    for (const { fact, text } of this.order) yield { kind: this.tableOf(fact.kind).kind, fact, text }
  }

  /** The number of facts that retention has pruned. */
  get prunedCount(): number {
    return (this.base?.prunedCount ?? 0) + this.prunings.length
  }

  /** The entries that were pruned after the first `count`, in order. */
  *prunedAfter(count: number): Generator<FactEntry, void> {
    for (const { entry } of this.pruningsAfter(count)) yield entry
  }

  /** The prunings after the first `count`, in order. */
  *pruningsAfter(count: number): Generator<Pruning, void> {
    const below = this.base?.prunedCount ?? 0
    if (this.base !== undefined && count < below) yield* this.base.pruningsAfter(count)
    yield* this.prunings.slice(Math.max(0, count - below))
  }

  /** The stories of the jobs that made this context, oldest first. */
  knownStories(): ReadonlyArray<Story> {
    return [...(this.base?.knownStories() ?? []), ...this.stories, this.story]
  }

  /** The story of the job that committed a version. */
  private storyOf(version: number): Story {
    return this.stories.find((story) => version <= story.version) ?? this.story
  }

  /** The entry that was committed at a position, whether it is live or not. */
  protected entryOf(position: number): FactEntry | undefined {
    const { base, order } = this
    if (base !== undefined && position <= base.version) return base.entryOf(position)
    const direct = order[position - (base?.version ?? 0) - 1]
    if (direct?.position === position) return direct
    // Replicas and migrated contexts have gaps.
    const entry = order[firstAfter(order, position - 1)]
    return entry?.position === position ? entry : undefined
  }

  /** The table of a kind that has facts here. */
  protected tableOf(kind: string): Table {
    const table = this.tables.get(kind)
    if (table === undefined) throw new Error(`the context has no table of ${kind}`)
    return table
  }

  protected get story(): Story {
    return { version: this.head, traces: this.traces, triggers: this.triggers }
  }
}

/** A fact that retention has pruned, and the version of the context when it did. */
export interface Pruning {
  readonly entry: FactEntry
  readonly at: number
}

const noIndex = (kind: string, index: string, present: ReadonlyArray<string>): string => {
  const known =
    present.length === 0 ? "it has none" : `it has ${present.map((name) => JSON.stringify(name)).join(", ")}`
  return `the kind ${JSON.stringify(kind)} has no index ${JSON.stringify(index)}: ${known}`
}

const noFact = Option.none()
const noEvaluations: ReadonlyArray<CommittedEvaluation> = Object.freeze([])
