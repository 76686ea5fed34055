/**
 * The names of programs, kinds, agents and invariants.
 *
 * A lone surrogate has no UTF-8 form: in a URL, a journal or a log, two such names would be the same.
 * Boundary: pure functions of a text.
 */

/** Returns why a name cannot be used, or undefined if it can. `what`: the thing with the name, with its article. */
export const complaintOfName = (what: string, name: unknown): string | undefined => {
  if (typeof name !== "string" || name === "") return `${what} needs a name that is not empty`
  return name.isWellFormed() ? undefined : `${what}'s name must be well-formed Unicode`
}
