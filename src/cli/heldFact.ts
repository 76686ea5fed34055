/**
 * The derivation of a fact, and what follows from it, asked of a server that keeps no journals: it answers from the job that it
 * holds.
 *
 * Such a server knows a job as it is now. Boundary: calls in, the values that a journal gives out.
 */
import * as Effect from "effect/Effect"
import type { Explanation } from "../context/Provenance.ts"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Causes } from "../context/following.ts"
import { provenanceOf as orderedProvenance } from "../context/provenanceOf.ts"
import { partOf } from "../program/keys.ts"
import type { FactRef, Provenance } from "../program/Fact.ts"
import type { FactJson } from "../outcome/resultJson.ts"
import type { ExplanationJson } from "../outcome/explanationJson.ts"
import type * as Shapes from "../server/shapes.ts"
import { CommandFailed, ExitCode, type Failed, UsageError } from "./exitCode.ts"
import { missing, namedIn } from "./explanation.ts"
import type { AServer } from "./place.ts"
import { connect, type ServerClient } from "./serverClient.ts"
import { failedOf, type ServerError, type Told } from "./serverError.ts"

type Nodes = ExplanationJson["nodes"]
type Following = (typeof Shapes.Lineage.Type)["facts"][number]

/** The derivation of a fact, as a tree and as nodes. */
export interface Explained {
  readonly cycle: number
  readonly ref: FactRef
  readonly explanation: Explanation
  readonly nodes: () => Nodes
}

/** A fact of a lineage, with its causes. */
export type FollowingJson = FactJson & Causes

/** The facts that follow from a fact, or that would go without it. */
export interface Followed {
  readonly cycle: number
  readonly ref: FactRef
  readonly facts: ReadonlyArray<FollowingJson>
}

interface Asked {
  readonly jobId: string
  /** The fact as the command names it. */
  readonly text: string
  readonly at: number | undefined
}

/** Tuning: a job that goes on while it is asked about is asked again so often. */
const attempts = 5

/** The refusal of a question about a past cycle, in place of the server's. */
const noPast = (otherwise: ServerError): CommandFailed =>
  new CommandFailed({
    message: `${otherwise.failed.message}. It knows a job only as it is now: leave --at out`,
    exitCode: ExitCode.failed
  })

/** Reads about a fact, and the cycle of the job that the answer is of. `find` fails with `UnknownFact` where there is none. */
const read = <A, E extends Told>(
  server: AServer,
  { at, jobId, text }: Asked,
  otherwise: ServerError,
  find: (client: ServerClient, ref: FactRef) => Effect.Effect<A, E>
): Effect.Effect<{ readonly cycle: number; readonly ref: FactRef; readonly found: A }, Failed> =>
  Effect.gen(function* () {
    if (at !== undefined) return yield* noPast(otherwise)
    const client = yield* connect(server)
    const now = Effect.mapError(client.insight.kinds({ params: { id: jobId }, query: {} }), (error) =>
      failedOf(server, error)
    )
    const ifKnown = <B, E2 extends Told>(request: Effect.Effect<B, E2>): Effect.Effect<B | undefined, Failed> =>
      Effect.matchEffect(request, {
        onSuccess: Effect.succeed,
        onFailure: (error) => (error._tag === "UnknownFact" ? Effect.undefined : Effect.fail(failedOf(server, error)))
      })
    const isThere = (ref: FactRef): Effect.Effect<boolean, Failed> => {
      const query = { ...nameOf(ref), valueLength: 0 }
      const request = client.jobs.explainFact({ params: { id: jobId }, query })
      return Effect.map(ifKnown(request), (found) => found !== undefined)
    }
    // As with a journal: the first of several readings whose fact is there.
    const chosen = Effect.fnUntraced(function* (refs: ReadonlyArray<FactRef>, last: FactRef) {
      const others = refs.filter(({ id, kind }) => id !== last.id || kind !== last.kind)
      if (others.length > 0) for (const ref of refs) if (yield* isThere(ref)) return ref
      return last
    })
    for (let left = attempts; ; left--) {
      const before = yield* now
      const { last, refs } = yield* namedIn(Object.keys(before.kinds), text)
      const ref = yield* chosen(refs, last)
      const found = yield* ifKnown(find(client, ref))
      const { cycle, kinds } = yield* now
      if (cycle !== before.cycle && left > 1) continue
      return found === undefined ? yield* new UsageError({ message: missing(kinds, ref) }) : { cycle, ref, found }
    }
  })

const nameOf = ({ id, kind }: FactRef) => ({ kind, factJson: JSON.stringify(id) })

/** A provenance with its fields in the order in which a journal has them. */
const provenanceOf = ({ because, each, part, version, ...by }: typeof Shapes.Provenance.Type): Provenance =>
  orderedProvenance(version, { ...by, each, ...partOf(part) }, because)

const factOf = ({ id, kind, provenance, value }: typeof Shapes.Fact.Type): FactJson => ({
  kind,
  id,
  value,
  provenance: provenanceOf(provenance)
})

/** A derivation as a tree, from its nodes. */
const treeOf = (nodes: (typeof Shapes.Explanation.Type)["nodes"]): Explanation | undefined => {
  const made = nodes.map((node) => ({
    fact: factOf(node),
    trace: node.trace ?? undefined,
    causes: [] as Array<Explanation>,
    omitted: node.omitted
  }))
  nodes.forEach(({ causes }, index) => {
    for (const cause of causes) {
      const node = made[cause]
      if (node !== undefined) made[index]?.causes.push(node)
    }
  })
  return made[0]
}

/** The derivation of a fact of a job that a server holds. */
export const heldExplanation = (
  server: AServer,
  asked: Asked,
  otherwise: ServerError
): Effect.Effect<Explained, Failed> =>
  Effect.flatMap(
    read(server, asked, otherwise, ({ jobs }, ref) =>
      jobs.explainFact({ params: { id: asked.jobId }, query: nameOf(ref) })
    ),
    ({ cycle, found: { nodes }, ref }) => {
      const explanation = treeOf(nodes)
      return explanation === undefined
        ? Effect.die(new Error("a derivation has no fact"))
        : Effect.succeed({
            cycle,
            ref,
            explanation,
            nodes: () => nodes.map((node) => ({ ...factOf(node), ...partsOf(node) }))
          })
    }
  )

const partsOf = ({ causes, omitted, trace }: (typeof Shapes.Explanation.Type)["nodes"][number]) => ({
  trace,
  causes,
  omitted
})

/** All facts that follow from one, page by page. */
const allFollowing = (client: ServerClient, jobId: string, ref: FactRef, isWithout: boolean) =>
  Stream.runCollect(
    Stream.paginate(undefined as string | undefined, (cursor) =>
      Effect.map(
        client.jobs.lineage({
          params: { id: jobId },
          query: {
            ...nameOf(ref),
            ...(isWithout ? { without: "true" as const } : {}),
            ...(cursor === undefined ? {} : { cursor }),
            limit: 1_000
          }
        }),
        (page) => [page.facts, Option.fromNullishOr(page.cursor)] as const
      )
    )
  )

const followingOf = (fact: Following): FollowingJson => ({
  ...factOf(fact),
  causes: fact.causes,
  indirect: fact.indirect,
  omitted: fact.omitted
})

/** The facts that follow from a fact of a job that a server holds, or that would go without it. */
export const heldLineage = (
  server: AServer,
  asked: Asked & { readonly without: boolean },
  otherwise: ServerError
): Effect.Effect<Followed, Failed> =>
  Effect.map(
    read(server, asked, otherwise, (client, ref) => allFollowing(client, asked.jobId, ref, asked.without)),
    ({ cycle, found, ref }) => ({ cycle, ref, facts: [...found].map(followingOf) })
  )
