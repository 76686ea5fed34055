/**
 * Raw kinds, made from a journal's header without the program. Their values are JSON.
 *
 * Boundary: only readers without the program that wrote the journal use them; their values are never committed.
 */
import * as Schema from "effect/Schema"
import { canonical } from "../values/Canonical.ts"
import type { ReplayProgram } from "./replay.ts"
import { KindTypeId } from "../program/typeIds.ts"
import type { ErasedKind } from "../program/erased.ts"
import { parseCanonical } from "../values/frozen.ts"
import type { JournalHeader, KindHeader } from "./records.ts"

/** A combining function that is never called, because the rows hold its results. */
const combine = (existing: unknown): unknown => existing

/** Makes a kind whose values are the JSON of the original schema. */
export const rawKind = ({ conflict, latest, name }: Omit<KindHeader, "fingerprint">): ErasedKind =>
  Object.freeze({
    [KindTypeId]: undefined as never,
    name,
    schema: Schema.Unknown,
    id: () => "",
    conflict: conflict === "combine" ? combine : conflict,
    retention: latest === null ? ("all" as const) : { latest },
    indexes: {},
    codec: { encode: canonical, decode: parseCanonical, isPlain: true },
    of: (value: unknown) => ({ kind: name, value }),
    ref: (id: string) => ({ kind: name, id })
  })

/** Makes the program of a header, with raw kinds. */
export const rawProgram = (header: JournalHeader): ReplayProgram => {
  const kinds = new Map(header.kinds.map((kind) => [kind.name, rawKind(kind)]))
  return {
    name: header.program,
    kinds,
    retained: [...kinds.values()].filter(({ retention }) => retention !== "all"),
    triggers: new Map(header.triggers),
    keepsNeeded: header.keepsNeeded ?? false
  }
}
