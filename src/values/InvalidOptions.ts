/**
 * The error of a layer or a function that was given an option that cannot work.
 *
 * Most layers die of it: an option that is wrong is a mistake of the program, or of its configuration, so their types stay free
 * of it. A command catches the defect by its `_tag` and prints `message`. Boundary: data.
 */
import * as Schema from "effect/Schema"

/** Names the layer or the function, the option, and says what was given and what is allowed. */
export class InvalidOptions extends Schema.TaggedError<InvalidOptions>()("InvalidOptions", {
  /** The layer or the function, such as `Engine.layer`. */
  of: Schema.String,
  /** The option, such as `maxRunningJobs`; empty if it is not one option, or the options are no object. */
  option: Schema.String,
  /** A sentence that names all of it. */
  message: Schema.String
}) {}
