/**
 * The error of a kind's codec. It has a file of its own, so that telling it from other errors loads no schema.
 *
 * Boundary: data.
 */

/** A value does not fit its schema, or has no canonical form. */
export class InvalidValue extends Error {
  override readonly name = "InvalidValue"
}

/** Goes by the name: on a worker, a program's kinds come with a copy of this package of their own. */
export const isInvalidValue = (error: unknown): error is InvalidValue =>
  error instanceof Error && error.name === "InvalidValue"
