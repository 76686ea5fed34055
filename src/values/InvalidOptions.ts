/**
 * The error of a layer or a function that got an invalid option.
 *
 * Most layers raise it as a defect. An invalid option is a mistake of the program or its configuration, so the error does not
 * appear in their types. A command catches the defect by its `_tag` and prints `message`. Boundary: data.
 */
import * as Schema from "effect/Schema"

/** Names the layer or the function, the option, the given value and the allowed values. */
export class InvalidOptions extends Schema.TaggedError<InvalidOptions>()("InvalidOptions", {
  /** The layer or the function, such as `Engine.layer`. */
  of: Schema.String,
  /** The option, such as `maxRunningJobs`. Empty if more than one option is at fault, or if the options are not an object. */
  option: Schema.String,
  /** A sentence with all of these. */
  message: Schema.String
}) {}
