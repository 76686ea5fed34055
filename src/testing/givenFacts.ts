/**
 * A context of given facts, for a view or an execution outside of a job.
 *
 * Facts are validated as those of a job are, and committed in their order as seeds. A fact that is given again with another value
 * is revised. Boundary: proposals in, a ledger out; a fault is an `InvalidInput`.
 */
import * as Effect from "effect/Effect"
import type { By } from "../context/provenanceOf.ts"
import { JobIdentity } from "../context/jobIdentity.ts"
import { Ledger } from "../context/Ledger.ts"
import { encodeFact } from "../cycle/encodeEffect.ts"
import { InvalidInput } from "../outcome/JobError.ts"
import type { ErasedKind } from "../program/erased.ts"
import type { Fact } from "../program/Fact.ts"
import { deepFreeze } from "../values/frozen.ts"
import { describeError } from "../values/panic.ts"

/** A proposal, as untyped callers may pass it. */
export interface Given {
  readonly kind: string
  readonly value: unknown
}

/** The id of the job that views outside of a job show. */
export const testJobId = "testing"

const asSeed: By = { cycle: 0, origin: "seed", agent: "", each: undefined, since: 0, until: 0 }

/** An empty ledger of a job with this input. */
export const emptyLedger = (
  input: unknown,
  triggers: ReadonlyMap<string, ReadonlyArray<string>> = new Map()
): Ledger => {
  const ledger = Ledger.make("", triggers)
  ledger.job = new JobIdentity(testJobId, "null", { decode: () => deepFreeze(input) })
  return ledger
}

/** Commits a fact, unless it is there already. `holder` looks at the fact; `where` is its name in messages. */
export const commit = (
  ledger: Ledger,
  kinds: ReadonlyArray<ErasedKind>,
  given: Given,
  where: string,
  holder: string
): Effect.Effect<Fact, InvalidInput> => {
  const refuse = (message: string) => Effect.fail(new InvalidInput({ program: "", message: `${where} ${message}` }))
  return Effect.suspend(() => {
    const kind = kinds.find(({ name }) => name === given.kind)
    if (kind === undefined) {
      const known = kinds.map(({ name }) => name).join(", ")
      return refuse(
        `is of kind ${JSON.stringify(given.kind)}, which ${holder} does not see: it sees ${known || "nothing"}`
      )
    }
    try {
      const { id, text, value } = encodeFact(kind, given.value, where)
      const present = ledger.entry(kind.name, id)
      return Effect.succeed(present?.text === text ? present.fact : ledger.add(kind, id, value, text, asSeed))
    } catch (error) {
      return refuse(`does not fit: ${describeError(error)}`)
    }
  })
}

/** Commits facts, in their order. */
export const commitAll = (
  ledger: Ledger,
  kinds: ReadonlyArray<ErasedKind>,
  facts: ReadonlyArray<Given>,
  holder: string
): Effect.Effect<void, InvalidInput> =>
  Effect.forEach(facts, (given, index) => commit(ledger, kinds, given, `facts[${index}]`, holder), { discard: true })
