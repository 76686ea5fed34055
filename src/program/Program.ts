/**
 * Programs: the definitions of jobs. A program has kinds, agents, tiers, invariants, a budget, an input and an output.
 *
 * `make` checks everything that can be checked before a job runs, and refuses with `InvalidProgram` what cannot work.
 * Boundary: the definition and its types. compile.ts makes the compiled form; nothing here runs a job.
 */
import type * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import { type Agent } from "./Agent.ts"
import { type Budget } from "./Budget.ts"
import { type Kind, type ProposalOf } from "./Fact.ts"
import { type ChildResult, type Decision } from "./answerKinds.ts"
import { type Invariant, Violation } from "./Invariant.ts"
import type { View } from "./View.ts"
import { compile, type ProgramOptions } from "./compile.ts"
import { compiledOf } from "./erased.ts"
import { ProgramTypeId } from "./typeIds.ts"
import type { Migration } from "./migration.ts"

export type { Migration, StoredFact } from "./migration.ts"

/**
 * The definition of a job. `E` and `R` are the union of what its agents may fail with and need, `Signals` are the kinds that
 * may come from outside.
 */
export interface Program<
  out Name extends string,
  in out Input,
  out Output,
  out E,
  out R,
  in out Kinds extends Kind.Any,
  in out Signals extends Kind.Any = never,
  out HasOutputSchema extends boolean = boolean
>
  extends Program.Any {
  readonly [ProgramTypeId]: {
    readonly input: (input: Input) => Input
    readonly output: Output
    readonly error: E
    readonly services: R
    readonly kinds: (kinds: Kinds) => Kinds
    readonly signals: (signals: Signals) => Signals
    readonly hasOutputSchema: HasOutputSchema
  }
  readonly name: Name
}

export declare namespace Program {
  /** Any program. */
  interface Any {
    readonly [ProgramTypeId]: {
      readonly input: (input: never) => unknown
      readonly output: unknown
      readonly error: unknown
      readonly services: unknown
      readonly kinds: (kinds: never) => unknown
      readonly signals: (signals: never) => unknown
      readonly hasOutputSchema: boolean
    }
    readonly name: string
  }
  /** The type of a program's input. */
  type Input<P extends Any> =
    P extends Program<string, infer I, infer _O, infer _E, infer _R, infer _K, infer _S> ? I : never
  /** The type of the result of a program's `output`. */
  type Output<P extends Any> = P[typeof ProgramTypeId]["output"]
  /** Whether a program gives a schema of its output: `output: {schema, from}`. */
  type HasOutputSchema<P extends Any> = P[typeof ProgramTypeId]["hasOutputSchema"]
  /** The typed errors with which a program's agents can end their job. */
  type Error<P extends Any> = P[typeof ProgramTypeId]["error"]
  /** The services that a program's agents need. */
  type Services<P extends Any> = P[typeof ProgramTypeId]["services"]
  /** The kinds of a program's facts. */
  type Kinds<P extends Any> =
    P extends Program<string, infer _I, infer _O, infer _E, infer _R, infer K, infer _S> ? K : never
  /** The kinds that a signal may have, besides decisions about open approvals. */
  type Signals<P extends Any> =
    P extends Program<string, infer _I, infer _O, infer _E, infer _R, infer _K, infer S> ? S : never
}

/** A promise, an Effect or a generator: no value, but what may give one later. */
type Later = PromiseLike<unknown> | Effect.Effect<unknown, unknown, unknown> | Generator | AsyncGenerator

/** Refuses an output that is not there at once. */
type AtOnce<Output> = 0 extends 1 & Output
  ? unknown
  : [Extract<Output, Later>] extends [never]
    ? unknown
    : { readonly "output must be a plain function": never }

/** Makes the output from the whole context. Here the type of the input is known. */
type MakeOutput<Kinds extends Kind.Any, Input, Output> = (
  view: View<Kinds | typeof Violation | typeof Decision | typeof ChildResult> & { readonly input: Input }
) => Output

/**
 * Defines a program.
 *
 * - `module`: `import.meta.url` of the module that exports the program; workers import it to find the CPU agents. Default:
 *   none; required if there is one. The module must have no side effects at its top level.
 * - `input`: the schema of the input
 * - `seed`: the facts that a job starts with (default none), as an array, or as a generator where there are very many: its
 *   facts are made and validated in slices, so that other work goes on in between. It must make the same facts each time
 * - `agents`: merge order is the order of this array
 * - `tiers`: names of agents, each in exactly one tier; a tier runs when the ones before it have nothing eligible.
 *   Default: one tier with all agents
 * - `kinds`: kinds that no agent reads or writes but that are seeded. Default: none
 * - `signals`: the kinds of facts that may come from outside (`job.signal`). Default: none. A decision about an open approval
 *   (`Intent.Decision`) may always come
 * - `version`: names this version of the program in journals. Default "". Resuming a job goes by the schemas of the kinds,
 *   whatever the version
 * - `migrate`: brings along the facts of a job whose kinds had other schemas. Default: none; such a job is refused with
 *   `ProgramChanged`
 * - `invariants`: conditions that must hold of the context. Default: none
 * - `budget`: how much a job may spend, field by field. Default: see `Budget`
 * - `output`: the typed result, from the whole context, at convergence. A plain function: one that returns a promise, an
 *   Effect or a generator does not compile, and is `ProgramPanicked` at run time. As `{schema, from}`, the result of `from` is
 *   validated and encoded with the schema; a value that does not fit is `ProgramPanicked`. `GET /programs` then has its JSON
 *   Schema. Default: none
 *
 * @throws InvalidProgram for duplicate names, unknown agents in tiers, agents in no tier or in two, a CPU agent without
 * `module`, a tier that writes what an earlier one reads, and malformed options
 */
export const make = <
  const Name extends string,
  Input extends Schema.Constraint,
  const Agents extends ReadonlyArray<Agent.Any>,
  Extra extends Kind.Any = never,
  Output = undefined,
  Signals extends Kind.Any = never,
  OutputSchema extends Schema.Constraint = never
>(
  name: Name,
  options: {
    readonly module?: string | undefined
    readonly input: Input & Schema.ConstraintCodec<Input["Type"], unknown>
    readonly agents: Agents
    readonly kinds?: ReadonlyArray<Extra> | undefined
    readonly signals?: ReadonlyArray<Signals> | undefined
    readonly tiers?: ReadonlyArray<ReadonlyArray<NoInfer<Agents>[number]["name"]>> | undefined
    readonly seed?:
      | ((input: Input["Type"]) => Iterable<ProposalOf<NoInfer<Agent.Kinds<Agents[number]> | Extra | Signals>>>)
      | undefined
    readonly invariants?:
      | ReadonlyArray<
          Invariant<
            | NoInfer<Agent.Kinds<Agents[number]> | Extra | Signals>
            | typeof Violation
            | typeof Decision
            | typeof ChildResult
          >
        >
      | undefined
    readonly budget?: Budget | undefined
    readonly version?: string | undefined
    readonly migrate?: Migration | undefined
    readonly output?:
      | MakeOutput<
          NoInfer<Agent.Kinds<Agents[number]> | Extra | Signals>,
          NoInfer<Input["Type"]>,
          Output & AtOnce<Output>
        >
      | {
          readonly schema: OutputSchema & Schema.ConstraintCodec<Output, unknown>
          readonly from: MakeOutput<
            NoInfer<Agent.Kinds<Agents[number]> | Extra | Signals>,
            NoInfer<Input["Type"]>,
            NoInfer<Output> & AtOnce<Output>
          >
        }
      | undefined
  }
): Program<
  Name,
  Input["Type"],
  Output,
  Agent.Error<Agents[number]>,
  Agent.Services<Agents[number]>,
  Agent.Kinds<Agents[number]> | Extra | Signals,
  Signals,
  [OutputSchema] extends [never] ? false : true
> => {
  // The types of the options are forgotten here: `compile` checks all of them again, for untyped callers.
  const compiled = compile(name, options as unknown as ProgramOptions)
  return Object.freeze({ [ProgramTypeId]: undefined as never, name, compiled })
}

/** Whether a value is a program made by `Program.make`. */
export const isProgram = (value: unknown): value is Program.Any =>
  typeof value === "object" && value !== null && ProgramTypeId in value

/**
 * The likely mistakes in a program that can work all the same: each a sentence that says what to write instead.
 *
 * An agent with `each`, or a join, that reads a further kind misses the facts of it that come late: it is half a join. They
 * come late if another agent of its tier writes them, or if signals, answers, decisions or child jobs bring them. Such an agent,
 * and a join, also miss what retention pruned. `converge run` and `converge verify` show the warnings on stderr. The library
 * itself writes nothing.
 */
export const warnings = (program: Program.Any): ReadonlyArray<string> => compiledOf(program).warnings
