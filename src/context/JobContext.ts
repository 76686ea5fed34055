/**
 * The context: facts in commit order, indexed by kind and id, with versions and deltas.
 *
 * A version is a commit position: every addition and every revision takes the next one, so "what is new since version v"
 * is the tail of a log, and costs its own length (G5). A context can stand on an earlier, sealed one (`context` of an
 * earlier result): it then holds only what is new, and starting it costs nothing, however large the earlier one is.
 *
 * `JobContext` reads; `Ledger` also writes, and belongs to the engine until the job halts and it is sealed.
 *
 * Invariants: positions are consecutive; an entry is live in at most one place; a sealed ledger never changes (G1).
 * Boundary: the pure core: no Effect, no clock, no I/O, no schema.
 */
import * as Option from "effect/Option"
import { type Fact, type FactOf, type FactRef, type Kind } from "../program/Fact.ts"
import { type Entry, Table, noFacts } from "./factTable.ts"
import type { CommittedEvaluation } from "../program/View.ts"
import { type Story, traceKey } from "./stories.ts"
import { refKey } from "../program/keys.ts"
import type { ErasedKind } from "../program/erased.ts"

/** An immutable set of facts, as a job left it. Readers see facts in commit order. */
export class JobContext {
  protected readonly base: JobContext | undefined
  protected readonly tables = new Map<string, Table>()
  protected readonly order: Array<Entry> = []
  // Made when there is something to hold: many contexts have neither evaluations nor traces.
  protected scores: Map<string, Array<CommittedEvaluation>> | undefined
  /** All evaluations made here, in commit order. */
  protected readonly evaluated: Array<CommittedEvaluation> = []
  protected traces: Map<string, unknown> | undefined
  protected readonly triggers: ReadonlyMap<string, ReadonlyArray<string>>
  /** Of a context that joins the layers of several jobs: theirs, oldest first. Cycles and agents recur from job to job. */
  protected stories: ReadonlyArray<Story> = []
  /** How far each agent had read when the job halted, by agent; see `Engine.start`, option `context`. */
  readonly marks: Map<string, number> = new Map()
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

  /** As `contextBytes`, of all that was ever committed: what was revised or pruned is held with the rest. */
  get historyBytes(): number {
    return this.committed
  }

  /** All facts of a kind, in commit order: a frozen array. */
  all<K extends Kind.Any>(kind: K): ReadonlyArray<FactOf<K>> {
    return (this.tables.get(kind.name)?.all() ?? noFacts) as ReadonlyArray<FactOf<K>>
  }

  /** The fact of a kind with this id. */
  get<K extends Kind.Any>(kind: K, id: string): Option.Option<FactOf<K>> {
    const entry = this.tables.get(kind.name)?.find(id)
    return entry === undefined ? noFact : Option.some(entry.fact as FactOf<K>)
  }

  /** How many facts of a kind there are. */
  size(kind: Kind.Any): number {
    return this.tables.get(kind.name)?.live ?? 0
  }

  /** The fact of this kind's name and id. */
  find(kind: string, id: string): Fact | undefined {
    return this.tables.get(kind)?.find(id)?.fact
  }

  /** How many facts of each kind there are, by name, in the order of the names. */
  counts(): Readonly<Record<string, number>> {
    const live = [...this.tables.values()].filter((table) => table.live > 0)
    return Object.fromEntries(
      live.map((table) => [table.kind.name, table.live] as const).sort(([a], [b]) => (a < b ? -1 : 1))
    )
  }

  /** All facts of all kinds, in commit order. */
  facts(): ReadonlyArray<Fact> {
    return [...this.tables.values()]
      .flatMap((table) => table.all())
      .sort((a, b) => a.provenance.version - b.provenance.version)
  }

  /** All facts of all kinds with the canonical text of their values, in commit order. */
  encoded(): ReadonlyArray<{ readonly fact: Fact; readonly text: string }> {
    return this.facts().map((fact) => ({ fact, text: this.tables.get(fact.kind)!.find(fact.id)!.text }))
  }

  /** The evaluations of a fact, in commit order. */
  evaluations(ref: FactRef): ReadonlyArray<CommittedEvaluation> {
    const own = this.scores?.get(refKey(ref))
    const below = this.base?.evaluations(ref) ?? noEvaluations
    return own === undefined ? below : Object.freeze([...below, ...own])
  }

  /** How many evaluations there are, of facts of any kind. */
  get evaluationCount(): number {
    return (this.base?.evaluationCount ?? 0) + this.evaluated.length
  }

  /** The evaluations after the first `count`, in commit order. */
  *evaluationsAfter(count: number): Generator<CommittedEvaluation, void> {
    const below = this.base?.evaluationCount ?? 0
    if (this.base !== undefined && count < below) yield* this.base.evaluationsAfter(count)
    for (let i = Math.max(0, count - below); i < this.evaluated.length; i++) yield this.evaluated[i]!
  }

  /** What the agent that added a fact said of its execution. */
  traceOf(fact: Fact): unknown {
    const { agent, cycle, each, version } = fact.provenance
    if (this.base !== undefined && version <= this.base.version) return this.base.traceOf(fact)
    return this.storyOf(version).traces?.get(traceKey(cycle, agent, each))
  }

  /** The facts that made the task that added a fact eligible, in commit order, as they were then. */
  causesOf(fact: Fact): ReadonlyArray<Fact> {
    const { agent, each, origin, since, until, version } = fact.provenance
    if (origin !== "agent") return []
    if (this.base !== undefined && version <= this.base.version) return this.base.causesOf(fact)
    if (each !== undefined) {
      const entry = this.tables.get(each.kind)?.asOf(each.id, until)
      return entry === undefined || entry.position <= since ? [] : [entry.fact]
    }
    const kinds = this.storyOf(version).triggers.get(agent) ?? []
    const entries = kinds.flatMap((name) => this.tables.get(name)?.between(since, until) ?? [])
    // Of what was revised in the meantime, the agent saw the latest.
    const latest = new Map(entries.map((entry) => [refKey(entry.fact), entry]))
    return [...latest.values()].sort((a, b) => a.position - b.position).map((entry) => entry.fact)
  }

  /** All that was ever committed, revised and pruned facts included, in commit order. */
  *history(): Generator<{ readonly kind: ErasedKind; readonly fact: Fact; readonly text: string }, void> {
    if (this.base !== undefined) yield* this.base.history()
    for (const { fact, text } of this.order) yield { kind: this.tables.get(fact.kind)!.kind, fact, text }
  }

  /** What the jobs that made this context knew of their agents, oldest first. */
  knownStories(): ReadonlyArray<Story> {
    return [...(this.base?.knownStories() ?? []), ...this.stories, this.story]
  }

  /** What the job that committed a version knew of its agents. */
  private storyOf(version: number): Story {
    return this.stories.find((story) => version <= story.version) ?? this.story
  }

  protected get story(): Story {
    return { version: this.head, traces: this.traces, triggers: this.triggers }
  }
}

const noFact = Option.none()
const noEvaluations: ReadonlyArray<CommittedEvaluation> = Object.freeze([])
