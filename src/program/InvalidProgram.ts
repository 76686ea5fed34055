/**
 * The error for a definition that cannot work.
 *
 * Thrown by the constructors (`Fact.kind`, `Agent.make`, `Program.make` ...), which run while a module loads: there is no
 * job yet that could fail. `Engine.run` and `Engine.start` fail with it, typed, for a program that reaches them some
 * other way. Boundary: data.
 */
import * as Schema from "effect/Schema"

/** Says what is wrong with a definition, and where. `program` is empty when the definition is not part of one yet. */
export class InvalidProgram extends Schema.TaggedError<InvalidProgram>()("InvalidProgram", {
  program: Schema.String,
  message: Schema.String
}) {
  /** There is no result: the job never began. */
  declare readonly partial?: undefined
}

/** Refuses a definition: throws `InvalidProgram` with the message, which says what is wrong and where. */
export type Refuse = (message: string) => never
