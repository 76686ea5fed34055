/** The kinds of facts that a program's job knows. Atoms are held as text: a fact's value is plain data, and text is its shortest form. */
import * as Schema from "effect/Schema"
import { Fact } from "effect-converge"

const Count = Schema.Number

/**
 * A step of a program: some atoms to define (`define`), one to evaluate, or the fault at which the text ends. Steps count from 0;
 * evaluations, and faults, from 1.
 */
export const Step = Fact.kind("Step", {
  schema: Schema.Struct({
    number: Count,
    does: Schema.Literals(["define", "evaluate", "fault"]),
    evaluation: Count,
    text: Schema.String,
    line: Count,
    column: Count
  }),
  id: ({ number }) => String(number)
})
export type Step = (typeof Step)["schema"]["Type"]

/**
 * The steps from `from` to before `until` are evaluated side by side, each in the world that all steps before `from` have made.
 * `digest` names that world by its content. One that may change the world is a batch of its own.
 */
export const Batch = Fact.kind("Batch", {
  schema: Schema.Struct({
    number: Count,
    from: Count,
    until: Count,
    mayChange: Schema.Boolean,
    digest: Schema.String
  }),
  id: ({ number }) => String(number)
})
export type Batch = (typeof Batch)["schema"]["Type"]

/** The id of an evaluation, or of a part of it, in a batch. */
export const taskId = (batch: number, step: number, part: string): string =>
  part === "" ? `${batch}/${step}` : `${batch}/${step}/${part}`

/** An evaluation that is too long for the first look, or a part of one (`parts.ts`). It gets a task of its own. */
export const Open = Fact.kind("Open", {
  schema: Schema.Struct({ batch: Count, step: Count, part: Schema.String }),
  id: ({ batch, step, part }) => taskId(batch, step, part),
  indexes: { batch: ({ batch }) => batch }
})
export type Open = (typeof Open)["schema"]["Type"]

const Change = Schema.Struct({
  does: Schema.Literals(["add", "remove", "create", "bind"]),
  name: Schema.String,
  atom: Schema.String
})

/**
 * The outcome of an evaluation in a batch, or of a part of one: its results, and the parts that have the others; a limit that it
 * reached, with the error atom as its only result; or that it changes the world, for which it has to be a batch of its own.
 */
export const Outcome = Fact.kind("Outcome", {
  schema: Schema.Struct({
    batch: Count,
    step: Count,
    part: Schema.String,
    says: Schema.Literals(["results", "limit", "changes"]),
    results: Schema.Array(Schema.String),
    steps: Count,
    changes: Schema.Array(Change),
    parts: Schema.Array(Schema.String)
  }),
  id: ({ batch, step, part }) => taskId(batch, step, part),
  indexes: { batch: ({ batch }) => batch }
})
export type Outcome = (typeof Outcome)["schema"]["Type"]
