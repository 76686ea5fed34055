/**
 * The error of a kind's codec. It has a file of its own, so that telling it from other errors loads no schema.
 *
 * Boundary: data.
 */

/** A value does not fit its schema, or has no canonical form. */
export class InvalidValue extends Error {
  override readonly name = "InvalidValue"
}

/** Checks the error's name, because a program's kinds may come with their own copy of this package on a worker. */
export const isInvalidValue = (error: unknown): error is InvalidValue =>
  error instanceof Error && error.name === "InvalidValue"
