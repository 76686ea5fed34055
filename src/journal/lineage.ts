/**
 * The facts of a context that follow from a fact, and their direct causes. context/following.ts has the rules.
 *
 * Boundary: pure, in steps; a context in, its entries out.
 */
import { type Causes, causesAmong, type Past, type Related, relatedIn, type Relation } from "../context/following.ts"
import type { JobContext } from "../context/JobContext.ts"
import { Limits } from "../Limits.ts"
import type { Fact, FactRef } from "../program/Fact.ts"
import type { Encoded } from "./liveFacts.ts"

export type { Causes, Relation } from "../context/following.ts"

/** The facts that are related to one, and the way to their causes. */
export interface Lineage {
  /** In commit order, without the fact itself. */
  readonly facts: ReadonlyArray<Encoded>
  /** The causes of some of these facts, among all of them. */
  readonly causesOf: (some: ReadonlyArray<Encoded>) => Generator<void, ReadonlyArray<Causes>>
}

function* upTo(context: JobContext, version: number): Generator<Encoded, void> {
  for (const { fact, text } of context.history()) {
    if (fact.provenance.version > version) return
    yield { fact, text }
  }
}

const pastOf = (context: JobContext, version: number): Past<Fact, Encoded> => ({
  history: upTo(context, version),
  causesOf: (fact) => context.causesOf(fact),
  isLive: ({ id, kind, provenance }) => context.find(kind, id)?.provenance.version === provenance.version
})

/**
 * The live facts that are related to a fact. `version`: the version up to which the context is committed. Undefined if the
 * context never had such a fact.
 */
export function* relatedTo(
  context: JobContext,
  { id, kind }: FactRef,
  relation: Relation,
  version: number = context.version
): Generator<void, Lineage | undefined> {
  const isRoot = (fact: FactRef): boolean => fact.kind === kind && fact.id === id
  const past = pastOf(context, version)
  const related: Related<Fact, Encoded> | undefined = yield* relatedIn(past, isRoot, relation)
  if (related === undefined) return undefined
  return { facts: related.facts, causesOf: (some) => causesAmong(past, related, isRoot, some, Limits.lineageCauses) }
}

/** The live facts that are related to one of several facts: those that `isRoot` admits. */
export function* relatedToAny(
  context: JobContext,
  isRoot: (fact: Fact) => boolean,
  relation: Relation
): Generator<void, ReadonlyArray<Encoded> | undefined> {
  return (yield* relatedIn(pastOf(context, context.version), isRoot, relation))?.facts
}
