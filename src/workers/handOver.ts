/**
 * What a replica lacks: the packets that bring it from one version of a job's ledger to the present one.
 *
 * Only kinds that the program's CPU agents see are shipped, only what is new, and of that only what is alive. Retention is
 * followed by size: a replica is told how many facts of such a kind there are and drops its oldest, which is what the
 * ledger did, for whatever is pruned is older than all that stays. A new worker's copy is the same thing from version 0.
 *
 * Invariants: cost is proportional to the delta (G5); packets are made when they are asked for, and once for all workers
 * that are at the same version. Boundary: main thread; reads a ledger that does not change meanwhile.
 */
import type { JobContext, Ledger } from "../JobContext.ts"
import { Limits } from "../Limits.ts"
import type { CompiledProgram } from "../Program.ts"
import type { Provenance } from "../Provenance.ts"
import type { CommittedEvaluation } from "../View.ts"
import type { Packet } from "./protocol.ts"

/** How far a replica has come: the version of the ledger, and the number of evaluations that it has been told of. */
export interface Mark {
  readonly version: number
  readonly evaluations: number
}

export const origin: Mark = { version: 0, evaluations: 0 }

export const markOf = (ledger: JobContext): Mark => ({ version: ledger.version, evaluations: ledger.evaluationCount })

/** The task that added facts: everything of their provenance but the version. */
export type Source = readonly [
  cycle: number,
  origin: Provenance["origin"],
  agent: string,
  eachKind: string | null,
  eachId: string | null,
  since: number,
  until: number
]

/** The head of a packet. `source` is a place in `sources`. */
export interface UpdateHead {
  readonly facts: ReadonlyArray<readonly [kind: string, id: string, version: number, source: number]>
  readonly sources: ReadonlyArray<Source>
  readonly evaluations: ReadonlyArray<CommittedEvaluation>
  /** Only in the last packet: the ledger's version, and the sizes of the kinds with a retention. */
  readonly end: {
    readonly version: number
    readonly sizes: ReadonlyArray<readonly [kind: string, size: number]>
  } | null
}

/** The kinds that a program's CPU agents see on workers. */
export const shippedKinds = (program: CompiledProgram): ReadonlyArray<string> => {
  const agents = program.agents.filter((agent) => agent.type === "cpu" && agent.placement !== "inline")
  return [...new Set(agents.flatMap((agent) => agent.visible.map((kind) => kind.name)))]
}

const sourceOf = ({ agent, cycle, each, origin, since, until }: Provenance): Source => [
  cycle,
  origin,
  agent,
  each?.kind ?? null,
  each?.id ?? null,
  since,
  until
]

const isSameTask = (a: Provenance, b: Provenance): boolean =>
  a.cycle === b.cycle &&
  a.agent === b.agent &&
  a.each === b.each &&
  a.origin === b.origin &&
  a.since === b.since &&
  a.until === b.until

function* packetsOf(ledger: Ledger, program: CompiledProgram, from: Mark): Generator<Packet, void> {
  const kinds = shippedKinds(program)
  let facts: Array<UpdateHead["facts"][number]> = []
  let sources: Array<Source> = []
  let texts: Array<string> = []
  let parts: Array<NonNullable<Packet["parts"]>[number]> = []
  let evaluations: Array<CommittedEvaluation> = []
  let previous: Provenance | undefined
  let length = 0
  const close = (end: UpdateHead["end"]): Packet => {
    const head = JSON.stringify({ facts, sources, evaluations, end } satisfies UpdateHead)
    const packet = parts.length === 0 ? { head, texts } : { head, texts, parts }
    facts = []
    sources = []
    texts = []
    parts = []
    evaluations = []
    previous = undefined
    length = 0
    return packet
  }
  for (const kind of kinds) {
    const shared = program.kinds.get(kind)?.codec.parts
    for (const { fact, text: whole } of ledger.liveAfter(kind, from.version)) {
      const taken = shared?.takeOut(fact.value)
      const text = taken?.text ?? whole
      if (texts.length > 0 && (length + text.length > Limits.packetLength || texts.length >= Limits.packetFacts)) {
        yield close(null)
      }
      const { provenance } = fact
      if (previous === undefined || !isSameTask(previous, provenance)) sources.push(sourceOf(provenance))
      previous = provenance
      facts.push([kind, fact.id, provenance.version, sources.length - 1])
      if (taken !== undefined) parts.push([texts.length, taken.parts])
      texts.push(text)
      length += text.length
    }
  }
  for (const evaluation of ledger.evaluationsAfter(from.evaluations)) {
    if (!kinds.includes(evaluation.fact.kind)) continue
    if (evaluations.length >= Limits.packetFacts) yield close(null)
    evaluations.push(evaluation)
  }
  const retained = kinds.flatMap((name) => program.kinds.get(name) ?? []).filter((kind) => kind.retention !== "all")
  yield close({ version: ledger.version, sizes: retained.map((kind) => [kind.name, ledger.size(kind)] as const) })
}

/** The packets of one update, made as they are asked for and kept for the next worker at the same version. */
export class HandOver {
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
