/**
 * A worker's copy of a job's context, kept up by the packets of replicaUpdate.ts.
 *
 * Invariant: for the shipped kinds, a view over the replica shows the same values, order, versions, provenance and evaluations as
 * a view over the ledger (G3, G12). Boundary: worker side; only packets write to it.
 */
import { readFacts } from "./factTexts.ts"
import type { Source, UpdateHead } from "./replicaUpdate.ts"
import type { Packet } from "./protocol.ts"
import { JobIdentity } from "../context/jobIdentity.ts"
import { type By, provenanceOf } from "../context/provenanceOf.ts"
import type { FactEntry } from "../context/factTable.ts"
import { Ledger } from "../context/Ledger.ts"
import type { CompiledProgram } from "../program/erased.ts"

const byOf = (source: Source, eachId: string | null): By => {
  const [cycle, origin, agent, eachKind, since, until, part] = source
  const each = eachKind === null || eachId === null ? undefined : Object.freeze({ kind: eachKind, id: eachId })
  const by = { cycle, origin, agent, each, since, until }
  return part === null ? by : { ...by, part }
}

export class Replica {
  readonly program: CompiledProgram
  readonly ledger: Ledger
  /** Characters of all texts that it received, including those of pruned facts. */
  length = 0

  constructor(program: CompiledProgram) {
    this.program = program
    this.ledger = Ledger.make(program.name, new Map())
  }

  /** Takes the job's input, which views show. */
  identify(jobId: string, input: string): void {
    this.ledger.job = new JobIdentity(jobId, input, this.program.inputCodec)
  }

  apply(packet: Packet): void {
    const { eachIds, end, evaluations, reasons, runs, sources, versions } = JSON.parse(packet.head) as UpdateHead
    const shared = new Map(packet.parts)
    let index = 0
    let next = 0
    let left = 0
    let source: Source | undefined
    readFacts(runs, packet.texts, this.program.kinds, (kind, name, id, text, plain) => {
      if (kind === undefined) throw new Error(`the module's program knows no kind ${JSON.stringify(name)}`)
      if (left === 0) [source, left] = sources[next++]!
      left--
      const parts = shared.get(index)
      const value = kind.codec.isPlain
        ? plain
        : parts === undefined
          ? kind.codec.decode(text)
          : kind.codec.parts!.putBack(text, parts)
      const eachId = eachIds[index] ?? null
      const because = reasons?.[index] || undefined
      const provenance = provenanceOf(
        versions[index]!,
        byOf(source!, eachId === 0 ? id : eachId),
        because === undefined ? undefined : Object.freeze(because)
      )
      index++
      // The text itself is not kept, because a worker does not need it.
      this.ledger.addAt(kind, id, value, "", provenance)
    })
    this.length += packet.texts.length
    for (const evaluation of evaluations) this.ledger.addEvaluation(evaluation)
    if (end === null) return
    for (const [kind, size, passed] of end.sizes) {
      const held = new Set(passed)
      const isHeld = ({ position }: FactEntry): boolean => held.has(position)
      this.ledger.pruneTo(kind, size - held.size, { readUpTo: () => Infinity, isHeld })
    }
    this.ledger.advanceTo(end.version)
  }
}
