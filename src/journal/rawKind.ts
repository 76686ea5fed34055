/**
 * Kinds without their program: what a journal says of one, with values as JSON.
 *
 * Boundary: for those who look at a journal without the program that wrote it; nothing of it is ever committed.
 */
import * as Schema from "effect/Schema"
import { canonical } from "../values/Canonical.ts"
import type { ReplayProgram } from "./replay.ts"
import { KindTypeId } from "../program/typeIds.ts"
import type { ErasedKind } from "../program/erased.ts"
import { parseCanonical } from "../values/frozen.ts"
import type { JournalHeader, KindHeader } from "./records.ts"

/** A combining function that is never asked: what it made of facts is in the rows. */
const combine = (existing: unknown): unknown => existing

/** A kind whose values are the JSON that its schema encodes. */
export const rawKind = ({ conflict, latest, name }: Omit<KindHeader, "fingerprint">): ErasedKind =>
  Object.freeze({
    [KindTypeId]: { value: undefined },
    name,
    schema: Schema.Unknown,
    id: () => "",
    conflict: conflict === "combine" ? combine : conflict,
    retention: latest === null ? ("all" as const) : { latest },
    codec: { encode: canonical, decode: parseCanonical, isPlain: true },
    of: (value: unknown) => ({ kind: name, value })
  })

/** The program that a header describes, its kinds raw. */
export const rawProgram = (header: JournalHeader): ReplayProgram => {
  const kinds = new Map(header.kinds.map((kind) => [kind.name, rawKind(kind)]))
  return {
    name: header.program,
    kinds,
    retained: [...kinds.values()].filter(({ retention }) => retention !== "all"),
    triggers: new Map(header.triggers)
  }
}
