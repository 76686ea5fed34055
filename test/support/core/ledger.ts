/** Contexts and programs made by hand, for tests of the pure core. */
import * as Schema from "effect/Schema"
import { type Agent, Fact, type JobContext, Program } from "../../../src/index.ts"
import { Ledger } from "../../../src/context/Ledger.ts"
import { type CompiledProgram, compiledOf, type ErasedKind, eraseKind } from "../../../src/program/erased.ts"
import { runSteps } from "../../../src/values/steps.ts"

/** A fact with an id and a number. */
export const numbered = <const Name extends string>(
  name: Name,
  options?: { readonly conflict?: Fact.ConflictRule<Numbered>; readonly retention?: Fact.Retention }
) =>
  Fact.kind(name, {
    schema: Schema.Struct({ id: Schema.String, n: Schema.Finite }),
    id: (value) => value.id,
    ...options
  })

export interface Numbered {
  readonly id: string
  readonly n: number
}

export const seedProvenance: Omit<Fact.Provenance, "version"> = {
  cycle: 0,
  origin: "seed",
  agent: "",
  each: undefined,
  since: 0,
  until: 0
}

export const emptyLedger = (base?: JobContext.JobContext): Ledger => Ledger.make("test", new Map(), base)

/** Adds or revises a fact, as the merge would once it has resolved any conflict. */
export const put = <K extends Fact.Kind.Any>(
  ledger: Ledger,
  kind: K,
  value: Fact.Kind.Value<K>,
  by: Partial<Omit<Fact.Provenance, "version">> = {}
): void => {
  const erased = eraseKind(kind)
  const encoded = erased.codec.encode(value)
  ledger.add(erased, erased.id(encoded.value), encoded.value, encoded.text, { ...seedProvenance, ...by })
}

/** Prunes kinds that have a retention, as a commit does. */
export const prune = (ledger: Ledger, kinds: Iterable<ErasedKind>) => runSteps(ledger.prune(kinds))

/** A program of these agents, in its compiled form. */
export const compile = (
  agents: ReadonlyArray<Agent.Agent.Any>,
  options: { readonly tiers?: ReadonlyArray<ReadonlyArray<string>>; readonly kinds?: ReadonlyArray<Fact.Kind.Any> } = {}
): CompiledProgram => compiledOf(Program.make("test", { input: Schema.Struct({}), agents, ...options }))
