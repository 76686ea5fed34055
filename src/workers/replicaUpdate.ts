/**
 * The update of a replica: packets that bring it from one version of a job's ledger to the present one.
 *
 * It ships new live facts of the kinds that the program's CPU agents see. Retention travels as sizes: the replica gets the
 * number of facts of a kind, and the positions of the old ones that retention passed over, and drops its oldest others, as the
 * ledger did: those are older than all that stay. A new worker gets an update from version 0.
 *
 * Invariants: cost is proportional to the delta (G5); packets are made on demand, and once for all workers at the same
 * version. Boundary: main thread; reads a ledger that does not change meanwhile.
 */
import type { Fact, Provenance } from "../program/Fact.ts"
import type { SharedPart } from "../values/sharedBytes.ts"
import type { JobContext } from "../context/JobContext.ts"
import { Limits } from "../Limits.ts"
import type { CommittedEvaluation } from "../program/View.ts"
import { type FactRun, FactTexts } from "./factTexts.ts"
import type { Packet } from "./protocol.ts"
import type { Ledger } from "../context/Ledger.ts"
import type { CompiledProgram } from "../program/erased.ts"

/** The position of a replica: a version of the ledger, and the number of evaluations that it has received. */
export interface Mark {
  readonly version: number
  readonly evaluations: number
}

export const origin: Mark = { version: 0, evaluations: 0 }

export const markOf = (ledger: JobContext): Mark => ({ version: ledger.version, evaluations: ledger.evaluationCount })

/** The provenance of facts that one agent added in one cycle, without the version and the each-fact. */
export type Source = readonly [
  cycle: number,
  origin: Provenance["origin"],
  agent: string,
  eachKind: string | null,
  since: number,
  until: number,
  /** Null if there is none. */
  part: number | null
]

/** The head of a packet: columns, in the order of the facts. */
export interface UpdateHead {
  readonly runs: ReadonlyArray<FactRun>
  readonly versions: ReadonlyArray<number>
  /** Runs of facts of one source: the source, and the number of facts. */
  readonly sources: ReadonlyArray<readonly [source: Source, count: number]>
  /** The each-facts' ids: 0 if it is the fact's own id, null if there is none. */
  readonly eachIds: ReadonlyArray<string | 0 | null>
  /** The facts' reasons: 0 for none. Null if no fact of the packet has any. */
  readonly reasons: ReadonlyArray<ReadonlyArray<number> | 0> | null
  readonly evaluations: ReadonlyArray<CommittedEvaluation>
  /** Only in the last packet: the ledger's version, and the sizes of the kinds with a retention. */
  readonly end: {
    readonly version: number
    readonly sizes: ReadonlyArray<readonly [kind: string, size: number, passed: ReadonlyArray<number>]>
  } | null
}

const shipped = new WeakMap<CompiledProgram, ReadonlyArray<string>>()

/** The kinds that a program's CPU agents see on workers. */
export const shippedKinds = (program: CompiledProgram): ReadonlyArray<string> => {
  let kinds = shipped.get(program)
  if (kinds === undefined) {
    const agents = program.agents.filter((agent) => agent.type === "cpu" && agent.placement !== "inline")
    kinds = [...new Set(agents.flatMap((agent) => agent.visible.map((kind) => kind.name)))]
    shipped.set(program, kinds)
  }
  return kinds
}

/** An upper bound of the facts of an update from a version, found without looking at facts. */
export const lackingAfter = (ledger: Ledger, program: CompiledProgram, version: number): number => {
  const committed = ledger.version - version
  let live = 0
  for (const name of shippedKinds(program)) {
    const kind = program.kinds.get(name)
    if (kind !== undefined && live < committed) live += ledger.size(kind)
  }
  return Math.min(live, committed)
}

const isSameSource = (a: Provenance, b: Provenance): boolean =>
  a.cycle === b.cycle &&
  a.agent === b.agent &&
  a.each?.kind === b.each?.kind &&
  a.origin === b.origin &&
  a.since === b.since &&
  a.until === b.until &&
  a.part === b.part

const sourceOf = ({ agent, cycle, each, origin, part, since, until }: Provenance): Source => [
  cycle,
  origin,
  agent,
  each?.kind ?? null,
  since,
  until,
  part ?? null
]

/** Collects one packet. */
class PacketDraft {
  readonly #facts = new FactTexts()
  readonly #versions: Array<number> = []
  readonly #sources: Array<[Source, number]> = []
  readonly #eachIds: Array<string | 0 | null> = []
  readonly #reasons: Array<ReadonlyArray<number> | 0> = []
  #hasReasons = false
  readonly #parts: Array<NonNullable<Packet["parts"]>[number]> = []
  readonly evaluations: Array<CommittedEvaluation> = []
  #previous: Provenance | undefined

  isFull(text: string): boolean {
    return this.#facts.isFull(text)
  }

  add({ id, kind, provenance }: Fact, text: string, parts: ReadonlyArray<SharedPart> | undefined): void {
    if (this.#previous === undefined || !isSameSource(this.#previous, provenance)) {
      this.#sources.push([sourceOf(provenance), 0])
    }
    this.#previous = provenance
    this.#sources.at(-1)![1]++
    const { because, each } = provenance
    this.#reasons.push(because ?? 0)
    if (because !== undefined) this.#hasReasons = true
    this.#eachIds.push(each === undefined ? null : each.id === id ? 0 : each.id)
    this.#versions.push(provenance.version)
    if (parts !== undefined) this.#parts.push([this.#facts.count, parts])
    this.#facts.add(kind, id, text)
  }

  packet(end: UpdateHead["end"]): Packet {
    const { runs, texts } = this.#facts.take()
    const head: UpdateHead = {
      runs,
      versions: this.#versions,
      sources: this.#sources,
      eachIds: this.#eachIds,
      reasons: this.#hasReasons ? this.#reasons : null,
      evaluations: this.evaluations,
      end
    }
    const packet = { head: JSON.stringify(head), texts }
    return this.#parts.length === 0 ? packet : { ...packet, parts: this.#parts }
  }
}

function* packetsOf(ledger: Ledger, program: CompiledProgram, from: Mark): Generator<Packet, void> {
  const kinds = shippedKinds(program)
  let draft = new PacketDraft()
  const close = (end: UpdateHead["end"]): Packet => {
    const packet = draft.packet(end)
    draft = new PacketDraft()
    return packet
  }
  for (const kind of kinds) {
    const shared = program.kinds.get(kind)?.codec.parts
    for (const { fact, text: whole } of ledger.liveAfter(kind, from.version)) {
      const taken = shared?.takeOut(fact.value)
      const text = taken?.text ?? whole
      if (draft.isFull(text)) yield close(null)
      draft.add(fact, text, taken?.parts)
    }
  }
  for (const evaluation of ledger.evaluationsAfter(from.evaluations)) {
    if (!kinds.includes(evaluation.fact.kind)) continue
    if (draft.evaluations.length >= Limits.packetFacts) yield close(null)
    draft.evaluations.push(evaluation)
  }
  const retained = kinds.flatMap((name) => program.kinds.get(name) ?? []).filter((kind) => kind.retention !== "all")
  yield close({
    version: ledger.version,
    sizes: retained.map((kind) => [kind.name, ledger.size(kind), ledger.passedOver(kind.name)] as const)
  })
}

/** The packets of one update, made on demand and kept for the next worker at the same version. */
export class ReplicaUpdate {
  readonly to: Mark
  readonly #source: Generator<Packet, void>
  readonly #made: Array<Packet> = []

  constructor(ledger: Ledger, program: CompiledProgram, from: Mark) {
    this.to = markOf(ledger)
    this.#source = packetsOf(ledger, program, from)
  }

  /** The nth packet, or undefined after the last. Ask for them in order. */
  packet(index: number): Packet | undefined {
    while (this.#made.length <= index) {
      const next = this.#source.next()
      if (next.done === true) return undefined
      this.#made.push(next.value)
    }
    return this.#made[index]
  }
}
