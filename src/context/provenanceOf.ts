/**
 * Makes the provenance of facts. A fact without reasons has no key for them, and so for parts: what is stored and shown of a
 * program that uses neither has neither. Boundary: data.
 */
import type { Provenance } from "../program/Fact.ts"

/** The provenance of a fact, without its version and its reasons: the ledger assigns these. */
export type By = Omit<Provenance, "version" | "because">

/** Joins the parts of a provenance. Field by field: a spread costs several times as much, for each fact. */
export const provenanceOf = (version: number, by: By, because: ReadonlyArray<number> | undefined): Provenance => {
  const { agent, cycle, each, origin, part, since, until } = by
  if (part === undefined) {
    return Object.freeze(
      because === undefined
        ? { version, cycle, origin, agent, each, since, until }
        : { version, cycle, origin, agent, each, since, until, because }
    )
  }
  return Object.freeze(
    because === undefined
      ? { version, cycle, origin, agent, each, since, until, part }
      : { version, cycle, origin, agent, each, since, until, part, because }
  )
}
